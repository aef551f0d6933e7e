#include "common/pipeline/plan/fragment.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/pipeline/plan/shell.h"

namespace boxseg {
namespace {

// What fails its check loses its proofs, so that the next run makes it again.
std::string on_damage(const Node& node) {
  std::string command = "rm -f";
  for (const auto& proof : node.proofs) command += " " + shell_quote(proof.string());
  const std::string why = node.damage.empty() ? "" : ": " + node.damage;
  return command + "; echo " + shell_quote(node.name + " is damaged" + why + "; the next run makes it again") +
         " >&2; exit 3";
}

}  // namespace

std::string make_fragment(const std::vector<Node>& nodes) {
  std::map<std::string, std::vector<std::string>> groups;
  for (const auto& node : nodes)
    if (const std::string group = group_of(node.work.kind); !group.empty()) groups[group].push_back(node.name);
  std::string text =
      "# Written by plan: stale work has a recipe, the rest is up to date.\nSHELL := /bin/sh\n.SUFFIXES:\n";
  std::vector<std::string> all;
  for (const auto& node : nodes) all.push_back(node.name);
  text += ".DEFAULT:\n\t@echo '$@: no piece of work of this run; it has: " + make_escape(join(all, " ")) +
          "' >&2; exit 2\n";
  for (const auto& [group, names] : groups) {
    text += fmt::format(".PHONY: {}\n", group);
    if (names != std::vector<std::string>{group}) text += fmt::format("{}: {} ;\n", group, join(names, " "));
  }
  // What people with photographs of their own ask for.
  if (groups.count("review") > 0) text += ".PHONY: masks\nmasks: review export report ;\n";
  for (const auto& node : nodes) {
    text += fmt::format("\n.PHONY: {0}\n{0}: {1}", node.name, join(node.needs, " "));
    if (node.reason.empty()) {
      text += " ;\n";
      continue;
    }
    text += fmt::format("\n\t@echo {}\n", make_escape(shell_quote(fmt::format("--- {}: {}", node.name, node.reason))));
    for (const auto& command : node.commands) text += fmt::format("\t{}\n", make_escape(command));
    if (!node.record.empty()) text += fmt::format("\t@{}\n", make_escape(node.record));
    for (const auto& show : node.shows) text += fmt::format("\t-@{}\n", make_escape(show));
  }
  std::vector<std::string> checked;
  const auto add_check = [&](const std::string& name, const std::string& recipe) {
    checked.push_back("verify/" + name);
    text += fmt::format("\n.PHONY: {0}\n{0}:\n\t@{1}\n", checked.back(), make_escape(recipe));
  };
  for (const auto& node : nodes) {
    if (!node.damage.empty())
      add_check(node.name, on_damage(node));
    else if (!node.check.empty())
      add_check(node.name, node.check + " || { " + on_damage(node) + "; }");
    if (!node.checkpoint.empty())
      add_check(node.name + "/checkpoint",
                node.checkpoint_check + " || { echo " +
                    shell_quote(node.checkpoint.string() + " is damaged; nothing needs it any more, remove it") +
                    " >&2; exit 3; }");
  }
  return text + fmt::format("\n.PHONY: verify\nverify: {}\n", join(checked, " "));
}

std::string explain(const std::vector<Node>& nodes) {
  std::string text;
  for (const auto& node : nodes)
    if (!node.reason.empty()) text += fmt::format("{}: {}\n", node.name, node.reason);
  return text.empty() ? "Everything is up to date.\n" : text;
}

std::string status_table(const std::vector<Node>& nodes, PublishedTimes published) {
  size_t width = 0;
  for (const auto& node : nodes) width = std::max(width, node.name.size());
  std::string text;
  double to_do_s = 0;
  for (const auto& node : nodes) {
    const auto cost = cost_of(node, nodes, published);
    const bool is_done = node.reason.empty();
    text += fmt::format("{:<{}}  {}", node.name, width, is_done ? "up to date" : "to do: " + node.reason);
    if (cost && is_done) text += ", took " + format_duration(cost->seconds);
    if (cost && !is_done) text += fmt::format("; about {}, {}", format_duration(cost->seconds), cost->from);
    text += "\n";
    if (cost && !is_done) to_do_s += cost->seconds;
  }
  if (to_do_s > 0) text += fmt::format("to do, as far as times are told above: about {}\n", format_duration(to_do_s));
  return text;
}

}  // namespace boxseg
