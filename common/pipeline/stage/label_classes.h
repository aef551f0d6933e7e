// Which classes the values of label maps mean: written into the manifest of those who make them, and held against the
// dataset of those who use them. The order of classes decides everything and shows nowhere.
#pragma once
#include <string>
#include <vector>

#include "common/io/manifest.h"

namespace boxseg {

inline constexpr const char* kClassesFact = "classes";  // of Manifest::facts: a name a line, background first
std::string classes_fact(const std::vector<std::string>& class_names);

// "" where the label maps were made for these classes, or the manifest (of an earlier version) does not say; else a
// sentence with the first difference.
std::string other_classes(const Manifest& manifest, const std::vector<std::string>& class_names);

}  // namespace boxseg
