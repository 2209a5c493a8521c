#include "arena_options.h"

#include <algorithm>

#include "../probes/huge_pages.h"
#include "huge_pool.h"
#include "numa.h"
#include "prefault.h"

namespace weighbridge {

namespace {

// Less than this share in 2 MiB pages is not what was asked for.
constexpr double enough = 0.9;

const char* name_of(ArenaPages pages) {
  switch (pages) {
    case ArenaPages::thp:
      return "thp";
    case ArenaPages::hugetlb:
      return "hugetlb";
    case ArenaPages::plain:
      break;
  }
  return "plain";
}

ArenaPages pages_named(const std::string& name) {
  for (const ArenaPages pages : {ArenaPages::plain, ArenaPages::thp, ArenaPages::hugetlb}) {
    if (name == name_of(pages)) return pages;
  }
  throw Error(Reason{
      .code = "bad-option", .operation = "options", .message = "option arena must be plain, thp or hugetlb"});
}

// What does not depend on the size.
std::optional<Reason> kind_unsupported(const ArenaOptions& options) {
  if (options.pages == ArenaPages::thp) {
    if (std::optional<Reason> reason = transparent_pages_unsupported()) return reason;
  }
  if (options.numa_node) {
    if (std::optional<Reason> reason = numa_unsupported(*options.numa_node)) return reason;
  }
  return options.prefault ? populate_unsupported() : std::nullopt;
}

void read_back_node(const Arena& arena, uint32_t node, Effective& effective, std::vector<std::string>& warnings) {
  NodePages all;
  for (size_t part = 0; part < arena.parts(); ++part) {
    const std::optional<NodePages> found = pages_on_node(arena.memory(part), node);
    if (!found) {
      warnings.push_back("on which NUMA node the arena lies could not be read");
      return;
    }
    all.asked += found->asked;
    all.on_node += found->on_node;
  }
  effective.emplace("numaNode", static_cast<int64_t>(node));
  effective.emplace("numaPagesAsked", static_cast<int64_t>(all.asked));
  effective.emplace("numaPagesOnNode", static_cast<int64_t>(all.on_node));
  if (all.on_node == all.asked) return;
  warnings.push_back(std::to_string(all.asked - all.on_node) + " of " + std::to_string(all.asked) +
                     " pages asked about lie outside NUMA node " + std::to_string(node));
}

}  // namespace

ArenaOptions arena_options(const Options& options) {
  ArenaOptions result = {pages_named(options.text("arena", "plain")), options.flag("prefault"), std::nullopt};
  // One more than there can be stands for absence.
  const uint64_t node = options.number("numaNode", most_numa_nodes, 0, most_numa_nodes - 1);
  if (node < most_numa_nodes) result.numa_node = static_cast<uint32_t>(node);
  return result;
}

std::optional<Reason> arena_unsupported(std::span<const Part> parts, const ArenaOptions& options) {
  if (std::optional<Reason> reason = kind_unsupported(options)) return reason;
  if (options.pages != ArenaPages::hugetlb) return std::nullopt;
  uint64_t pages = 0;
  for (const Part& part : parts) pages += round_up(part.bytes, huge_page_unit) / huge_page_unit;
  return pool_pages_unsupported(pages, options.numa_node);
}

Arena make_arena(std::span<const Part> parts, std::span<const TensorRange> ranges, uint64_t unit,
                 const ArenaOptions& options) {
  if (std::optional<Reason> reason = kind_unsupported(options)) throw Error(std::move(*reason));
  Arena arena(parts, ranges, unit, options.pages);
  if (!options.numa_node) return arena;
  if (options.pages == ArenaPages::hugetlb) {
    // The kernel promised pages of the whole pool, not of the node: what the node lacks would be a fault without a
    // page.
    const uint64_t pages = arena.bytes() / huge_page_unit;
    std::optional<Reason> reason = pool_pages_unsupported(pages, options.numa_node);
    if (reason) throw Error(std::move(*reason));
  }
  for (size_t part = 0; part < arena.parts(); ++part) bind_to_node(arena.memory(part), *options.numa_node);
  return arena;
}

void read_back(const Arena& arena, const ArenaOptions& options, uint64_t filled, Effective& effective,
               std::vector<std::string>& warnings) {
  effective.emplace("arenaBytes", static_cast<int64_t>(arena.bytes()));
  effective.emplace("arenaPages", std::string(name_of(options.pages)));
  effective.emplace("prefault", options.prefault);
  if (options.numa_node) read_back_node(arena, *options.numa_node, effective, warnings);
  uint64_t huge = 0;
  for (size_t part = 0; part < arena.parts(); ++part) {
    if (arena.memory(part).empty()) continue;
    const std::optional<uint64_t> found = anonymous_huge_bytes(arena.memory(part));
    if (!found) {
      warnings.push_back("which pages the arena has could not be read: /proc/self/smaps cannot be opened");
      return;
    }
    huge += *found;
  }
  effective.emplace("hugePageBytes", static_cast<int64_t>(huge));
  if (options.pages == ArenaPages::plain || static_cast<double>(huge) >= enough * static_cast<double>(filled)) return;
  warnings.push_back("only " + std::to_string(huge) + " of " + std::to_string(filled) +
                     " bytes lie in 2 MiB pages, which were asked for");
}

}  // namespace weighbridge
