#include "hybrid_road.h"

#include <sys/mman.h>

#include <string>

#include "bring.h"
#include "mapping.h"

namespace weighbridge {

const char* name_of(Road road) noexcept {
  switch (road) {
    case Road::map:
      return "map";
    case Road::map_ahead:
      return "map-ahead";
    case Road::huge_map:
      return "huge-map";
    case Road::readahead:
      return "readahead";
    case Road::pool:
      return "pool";
  }
  return "";
}

std::optional<Road> road_option(const Options& options) {
  options.only({"road"});
  const std::string name = options.text("road", "auto");
  if (name == "auto") return std::nullopt;
  for (const Road road : {Road::map, Road::map_ahead, Road::huge_map, Road::readahead, Road::pool}) {
    if (name == name_of(road)) return road;
  }
  throw Error(Reason{.code = "bad-option",
                     .operation = "options",
                     .message = "option road must be auto, map, map-ahead, huge-map, readahead or pool"});
}

std::optional<Reason> road_unsupported(Road road, std::span<const Part> parts) {
  if (road == Road::pool) return fill_unsupported(parts, pool_fill());
  for (const Part& part : parts) {
    if (auto reason = mapping_unsupported(part, MAP_SHARED)) return reason;
    if (road == Road::map) continue;
    const BringWay way = road == Road::readahead ? BringWay::readahead : BringWay::populate_read;
    if (auto reason = bring_unsupported(way, part)) return reason;
  }
  if (road != Road::huge_map) return std::nullopt;
  return advice_unsupported(MADV_HUGEPAGE, "advice-unsupported", "the kernel has no transparent huge pages");
}

FillOptions pool_fill() {
  FillOptions fill;
  fill.call = ReadCall::direct;
  fill.chunk_bytes = 1 << 20;
  fill.ring = RingOptions{.depth = 8};
  fill.arena.pages = ArenaPages::hugetlb;
  fill.arena.prefault = true;
  fill.pipelined = true;
  return fill;
}

}  // namespace weighbridge
