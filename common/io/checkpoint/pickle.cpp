#include "common/io/checkpoint/pickle.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_map>

#include "common/base/error.h"

namespace boxseg::pickle {
namespace {

const std::unordered_map<std::string, at::ScalarType>& storage_types() {
  static const std::unordered_map<std::string, at::ScalarType> types = {
      {"torch.FloatStorage", at::kFloat},      {"torch.DoubleStorage", at::kDouble},
      {"torch.HalfStorage", at::kHalf},        {"torch.BFloat16Storage", at::kBFloat16},
      {"torch.LongStorage", at::kLong},        {"torch.IntStorage", at::kInt},
      {"torch.ShortStorage", at::kShort},      {"torch.CharStorage", at::kChar},
      {"torch.ByteStorage", at::kByte},        {"torch.BoolStorage", at::kBool},
      {"torch.cuda.FloatStorage", at::kFloat}, {"torch.cuda.DoubleStorage", at::kDouble},
      {"torch.cuda.HalfStorage", at::kHalf},   {"torch.cuda.LongStorage", at::kLong},
      {"torch.cuda.IntStorage", at::kInt},     {"torch.cuda.ByteStorage", at::kByte}};
  return types;
}

const std::set<std::string>& calls() {
  static const std::set<std::string> names = {"collections.OrderedDict", "torch._utils._rebuild_tensor",
                                              "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
                                              "torch.Size"};
  return names;
}

constexpr size_t kDeepestStack = size_t{1} << 24;

class Unpickler {
 public:
  Unpickler(std::string_view bytes, Arena& arena, const std::string& file, const LoadStorage& load)
      : bytes_(bytes), arena_(arena), file_(file), load_(load) {}

  Value run() {
    for (;;) {
      const auto opcode = number<uint8_t>();
      if (opcode == '.') return pop();
      step(opcode);
      if (stack_.size() > kDeepestStack) refuse("its stack grows without end");
    }
  }
  size_t position() const { return position_; }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    fail_input("{}: is damaged or not a file of torch.save: {}", file_, why);
  }

  const char* take(size_t count) {
    if (count > bytes_.size() - position_) refuse("its pickle ends early");
    const char* start = bytes_.data() + position_;
    position_ += count;
    return start;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  std::string text(size_t count) {
    const char* start = take(count);
    return {start, count};
  }
  std::string line() {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) refuse("its pickle ends early");
    std::string word(bytes_.substr(position_, end - position_));
    position_ = end + 1;
    return word;
  }

  void push(Value value) { stack_.push_back(std::move(value)); }
  Value make(List items) {
    arena_.lists.push_back(std::move(items));
    return {&arena_.lists.back()};
  }
  Value make(Dict items) {
    arena_.dicts.push_back(std::move(items));
    return {&arena_.dicts.back()};
  }
  Value& top() {
    if (stack_.empty() || (!marks_.empty() && marks_.back() == stack_.size()))
      refuse("its pickle takes from an empty stack");
    return stack_.back();
  }
  Value pop() {
    Value value = std::move(top());
    stack_.pop_back();
    return value;
  }
  List pop_to_mark() {
    if (marks_.empty()) refuse("its pickle lacks a mark");
    const auto first = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
    marks_.pop_back();
    List items(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    return items;
  }
  void push_tuple(size_t count) {
    List items(count);
    while (count-- > 0) items[count] = pop();
    push(make(std::move(items)));
  }
  void recall(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) refuse("its pickle recalls what it never kept");
    push(found->second);
  }
  void extend(List items) {
    Value& target = top();
    if (target.list() == nullptr) refuse("its pickle appends to something that is no list");
    List& list = *std::get<List*>(target.content);
    list.insert(list.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  }
  void set_items(List items) {
    Value& target = top();
    if (target.dict() == nullptr || items.size() % 2 != 0) refuse("its pickle sets items of something that is no dict");
    Dict& dict = *std::get<Dict*>(target.content);
    for (size_t i = 0; i < items.size(); i += 2) dict.emplace_back(std::move(items[i]), std::move(items[i + 1]));
  }

  int64_t integer(const Value& value) const {
    if (const auto* number = value.get<int64_t>()) return *number;
    refuse("an integer was expected");
  }
  const std::string& string(const Value& value) const {
    if (const auto* word = value.get<std::string>()) return *word;
    refuse("text was expected");
  }
  const List& list(const Value& value) const {
    if (const List* items = value.list()) return *items;
    refuse("a tuple was expected");
  }
  std::vector<int64_t> integers(const Value& value) const {
    std::vector<int64_t> numbers;
    for (const Value& item : list(value)) numbers.push_back(integer(item));
    return numbers;
  }

  // Known names become values; any other ends the reading here, before anything could call it.
  Value global(const std::string& module, const std::string& name) const {
    const std::string full = module + "." + name;
    if (storage_types().contains(full) || calls().contains(full)) return {Global{full}};
    if (full.starts_with("torch.") && full.ends_with("Storage"))
      fail_input("{}: tensors of type {} are not supported; convert them in Python and save again", file_, full);
    fail_input(
        "{}: its pickle asks for {}, which is refused: only tensors and plain containers are read, nothing is "
        "executed. If you trust the file, load it in Python and write torch.save(model.state_dict(), file)",
        file_, full);
  }

  Value call(const Global& function, const Value& arguments) {
    const List& args = list(arguments);
    const std::string& name = function.name;
    if (name == "collections.OrderedDict") {
      Dict dict;
      if (!args.empty())
        for (const Value& item : list(args[0])) {
          const List& pair = list(item);
          if (pair.size() != 2) refuse("an OrderedDict of something other than pairs");
          dict.emplace_back(pair[0], pair[1]);
        }
      return make(std::move(dict));
    }
    if (name.starts_with("torch._utils._rebuild_tensor")) return {tensor(args)};
    if (name == "torch._utils._rebuild_parameter" && !args.empty()) return args[0];
    if (name == "torch.Size" && args.size() == 1) return args[0];
    refuse(fmt::format("it calls {} in an unknown way", name));
  }

  // Makes a tensor from (storage, offset, sizes, strides, ...); offsets and strides are in elements.
  at::Tensor tensor(const List& args) const {
    const auto* storage = args.size() >= 4 ? args[0].get<Storage>() : nullptr;
    if (storage == nullptr) refuse("a tensor without its storage");
    const int64_t offset = integer(args[1]);
    const std::vector<int64_t> sizes = integers(args[2]), strides = integers(args[3]);
    bool is_fine = offset >= 0 && sizes.size() == strides.size() && sizes.size() <= 64, is_empty = false;
    int64_t last = offset, count = 1;
    for (size_t axis = 0; is_fine && axis < sizes.size(); ++axis) {
      int64_t reach = 0;
      is_fine = sizes[axis] >= 0 && strides[axis] >= 0 &&
                !__builtin_mul_overflow(count, std::max<int64_t>(sizes[axis], 1), &count);
      if (sizes[axis] == 0)
        is_empty = true;
      else if (is_fine)
        is_fine = !__builtin_mul_overflow(sizes[axis] - 1, strides[axis], &reach) &&
                  !__builtin_add_overflow(last, reach, &last);
    }
    if (!is_fine) refuse("a tensor of impossible shape");
    if (is_empty) return at::empty(sizes, storage->flat.options());
    if (last >= storage->flat.numel()) refuse("a tensor reaches past its storage");
    // A stride of 0 can expand without end, but nobody saves a million copies of each number.
    if (count >> 20 > storage->flat.numel()) refuse("a tensor of impossible size");
    return at::as_strided(storage->flat, sizes, strides, storage->flat.storage_offset() + offset);
  }

  Storage storage(const Value& id) const {
    const List& parts = list(id);
    if (parts.size() < 5 || string(parts[0]) != "storage") refuse("an unknown persistent id");
    const auto* type = parts[1].get<Global>();
    if (type == nullptr || !storage_types().contains(type->name)) refuse("a storage without its type");
    StorageRequest request{storage_types().at(type->name), string(parts[2]), integer(parts[4])};
    if (request.count < 0) refuse("a storage of negative size");
    if (parts.size() > 5 && !parts[5].is_none()) {
      const List& view = list(parts[5]);
      if (view.size() != 3) refuse("an unknown storage view");
      request.view_offset = integer(view[1]);
      request.view_count = integer(view[2]);
    }
    return load_(request);
  }

  void push_long(size_t count) {  // little-endian two's complement
    const char* start = take(count);
    if (count > 8) return push({std::string(start, count)});  // only the magic number of legacy files is that long
    uint64_t value = count > 0 && (start[count - 1] & 0x80) ? ~uint64_t{0} : 0;
    std::memcpy(&value, start, count);
    push({static_cast<int64_t>(value)});
  }

  void push_float() {  // big-endian
    const uint64_t bits = __builtin_bswap64(number<uint64_t>());
    double value;
    std::memcpy(&value, &bits, sizeof value);
    push({value});
  }

  // Does one operation. Known are those of protocol 2, which torch.save writes, and what later protocols have for the
  // same things.
  void step(uint8_t opcode) {
    switch (opcode) {
      case 0x80:
        if (number<uint8_t>() > 5) refuse("a pickle of an unknown protocol");
        break;
      case 0x95:
        take(8);
        break;  // FRAME
      case '(':
        marks_.push_back(stack_.size());
        break;
      case 'N':
        push({});
        break;
      case 0x88:
        push({true});
        break;
      case 0x89:
        push({false});
        break;
      case 'J':
        push({int64_t{number<int32_t>()}});
        break;
      case 'K':
        push({int64_t{number<uint8_t>()}});
        break;
      case 'M':
        push({int64_t{number<uint16_t>()}});
        break;
      case 0x8a:
        push_long(number<uint8_t>());
        break;
      case 'G':
        push_float();
        break;
      case 'X':
      case 'T':
      case 'B':
        push({text(number<uint32_t>())});
        break;
      case 'U':
      case 0x8c:
      case 'C':
        push({text(number<uint8_t>())});
        break;
      case ')':
      case ']':
        push(make(List{}));
        break;
      case '}':
        push(make(Dict{}));
        break;
      case 't':
      case 'l':
        push(make(pop_to_mark()));
        break;
      case 'd': {
        List items = pop_to_mark();
        push(make(Dict{}));
        set_items(std::move(items));
        break;
      }
      case 0x85:
      case 0x86:
      case 0x87:
        push_tuple(opcode - size_t{0x84});
        break;
      case 'a': {
        List item;
        item.push_back(pop());
        extend(std::move(item));
        break;
      }
      case 'e':
        extend(pop_to_mark());
        break;
      case 's': {
        List pair(2);
        pair[1] = pop();
        pair[0] = pop();
        set_items(std::move(pair));
        break;
      }
      case 'u':
        set_items(pop_to_mark());
        break;
      case 'q':
        memo_[number<uint8_t>()] = top();
        break;
      case 'r':
        memo_[number<uint32_t>()] = top();
        break;
      case 0x94:
        memo_[static_cast<uint32_t>(memo_.size())] = top();
        break;  // MEMOIZE
      case 'h':
        recall(number<uint8_t>());
        break;
      case 'j':
        recall(number<uint32_t>());
        break;
      case 'c': {
        const std::string module = line(), name = line();
        push(global(module, name));
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        const Value name = pop(), module = pop();
        push(global(string(module), string(name)));
        break;
      }
      case 'Q': {
        const Value id = pop();
        push({storage(id)});
        break;
      }
      case 'R': {
        const Value arguments = pop(), function = pop();
        const auto* name = function.get<Global>();
        if (name == nullptr) refuse("its pickle calls something that is no function");
        push(call(*name, arguments));
        break;
      }
      case 'b':  // BUILD: the state of an OrderedDict (_metadata of a state_dict), not needed
        pop();
        if (top().dict() == nullptr) refuse("its pickle sets the state of an object");
        break;
      case '0':
        pop();
        break;
      default:
        refuse(fmt::format("pickle opcode {:#04x} is not supported", opcode));
    }
  }

  std::string_view bytes_;
  size_t position_ = 0;
  Arena& arena_;
  const std::string& file_;
  const LoadStorage& load_;
  List stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, Value> memo_;
};

}  // namespace

const Value* Value::find(const std::string& key) const {
  const Dict* entries = dict();
  if (entries == nullptr) return nullptr;
  for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry)
    if (const auto* name = entry->first.get<std::string>(); name != nullptr && *name == key) return &entry->second;
  return nullptr;
}

Value unpickle(std::string_view& bytes, Arena& arena, const std::string& file, const LoadStorage& load) {
  Unpickler unpickler(bytes, arena, file, load);
  Value value = unpickler.run();
  bytes.remove_prefix(unpickler.position());
  return value;
}

}  // namespace boxseg::pickle
