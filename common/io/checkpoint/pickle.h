// Reads Python pickles of tensors and plain containers, and of nothing else: a pickle is a program, and this
// interpreter knows only the calls that build tensors. Any other global is refused by name.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace boxseg::pickle {

struct Value;
using List = std::vector<Value>;                    // list and tuple
using Dict = std::vector<std::pair<Value, Value>>;  // dict and OrderedDict, in the order of insertion

struct Global {
  std::string name;  // "module.name"
};
struct Storage {
  at::Tensor flat;  // one axis
};

// Containers are owned by the Arena: a pickle may nest them a million deep or let them contain themselves.
struct Value {
  std::variant<std::monostate, bool, int64_t, double, std::string, at::Tensor, List*, Dict*, Global, Storage> content;
  bool is_none() const { return content.index() == 0; }
  template <class T>
  const T* get() const {
    return std::get_if<T>(&content);
  }
  const List* list() const { return std::holds_alternative<List*>(content) ? std::get<List*>(content) : nullptr; }
  const Dict* dict() const { return std::holds_alternative<Dict*>(content) ? std::get<Dict*>(content) : nullptr; }
  const Value* find(const std::string& key) const;  // member of a dict by a string key; the last one set
};

struct Arena {
  std::deque<List> lists;
  std::deque<Dict> dicts;
};

// The key that a pickle gives for a storage: ('storage', FloatStorage, key, location, element count[, view]).
struct StorageRequest {
  at::ScalarType type;
  std::string key;
  int64_t count = 0;
  int64_t view_offset = 0, view_count = -1;  // files older than PyTorch 0.4 have views; -1: none
};
using LoadStorage = std::function<Storage(const StorageRequest&)>;

// Takes one pickle off the front of `bytes`. Throws bad_input; messages begin with `file`.
Value unpickle(std::string_view& bytes, Arena& arena, const std::string& file, const LoadStorage& load);

}  // namespace boxseg::pickle
