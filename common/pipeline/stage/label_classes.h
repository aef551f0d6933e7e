// Which classes the values of label maps mean: written into the manifest of those who make them, and held against the
// dataset of those who use them. The order of classes decides everything and shows nowhere.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/io/manifest.h"

namespace boxseg {

inline constexpr const char* kClassesFact = "classes";  // of Manifest::facts: a name a line, background first
std::string classes_fact(const std::vector<std::string>& class_names);

// Names the entry of Manifest::facts with the classes that the classifier had no weight for, "- NAME" a line. It is
// there only where there are any.
inline constexpr const char* kUnknownClassesFact = "classes unknown to the classifier";
std::string unknown_classes_fact(const std::vector<std::string>& class_names);

// Holds indices of names that the classifier behind label maps had learnt, and of those that it had not. Where it knew
// all classes, or the manifest does not say, there are none of either.
struct ClassKinds {
  std::vector<int64_t> known, unknown;
};
ClassKinds class_kinds(const std::optional<Manifest>& manifest, const std::vector<std::string>& names);

// "" where the label maps were made for these classes, or the manifest (of an earlier version) does not say; else a
// sentence with the first difference.
std::string other_classes(const Manifest& manifest, const std::vector<std::string>& class_names);

}  // namespace boxseg
