// Helps with small pieces of text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace boxseg {

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);  // trimmed pieces; "" gives none
std::string join(const std::vector<std::string>& items, std::string_view separator);
std::string lower_case(std::string_view text);               // changes ASCII's letters only
std::vector<std::string> read_lines(std::string_view text);  // trimmed, without empty ones

// Returns the candidate with the smallest edit distance (at most a third of the word's length, and at most 3), or "".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// Both read the whole text as a number, or throw a usage error that names `what` and the text.
double parse_number(std::string_view text, std::string_view what);
int64_t parse_integer(std::string_view text, std::string_view what);

}  // namespace boxseg
