// The roads that the hybrid can take.
#pragma once

#include <optional>
#include <span>

#include "arena_fill.h"
#include "loader.h"

namespace weighbridge {

//   map        all of the model is resident: it is mapped, and that is all.
//   map-ahead  the same under a host that keeps shadow page tables: every page is entered before any is used. A table
//              that was used is watched by such a host, and each later entry into it costs an exit: some 60 µs at a fault
//              in the forward pass, 5 µs at an entry made before.
//   huge-map   free memory is backed: a mapping of huge pages that two threads populate ahead of the forward pass. The
//              device is the limit, and what arrives costs few faults.
//   readahead  free memory was given back to a host: readahead(2), one call at a time. It takes small pages, which come
//              first from fragments that are too small to have been given back, and leaves the first touch to the device.
//   pool       the same, and the pool of reserved huge pages has room: direct I/O into it, since its memory stays backed
//              once it was used.
enum class Road { map, map_ahead, huge_map, readahead, pool };

const char* name_of(Road road) noexcept;

// Of the option `road`; std::nullopt: to be chosen when it loads. Throws bad-option.
std::optional<Road> road_option(const Options& options);

// Why this machine cannot take it with these files.
std::optional<Reason> road_unsupported(Road road, std::span<const Part> parts);

// How the pool is filled.
FillOptions pool_fill();

}  // namespace weighbridge
