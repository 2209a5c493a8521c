#include "map_strategy.h"

#include <array>
#include <string>
#include <utility>

namespace weighbridge {

namespace {

constexpr std::array<Advice, 3> advices = {
    {{"sequential", MADV_SEQUENTIAL}, {"random", MADV_RANDOM}, {"hugepage", MADV_HUGEPAGE}}};

// Of one pread(2) where the strategy does not say: small enough to stay in a core's cache.
constexpr uint64_t default_scratch_bytes = 1 << 20;
constexpr uint64_t most_chunk_bytes = uint64_t{1} << 30;
constexpr uint64_t most_threads = 1024;

[[noreturn]] void bad_option(std::string message) {
  throw Error(Reason{.code = "bad-option", .operation = "options", .message = std::move(message)});
}

const Advice& advice_by_name(const std::string& name) {
  for (const Advice& row : advices) {
    if (name == row.name) return row;
  }
  bad_option("option advice may hold sequential, random and hugepage, not " + name);
}

std::optional<BringPlan> bring_plan(const Options& options) {
  const std::string name = options.text("bring", "");
  // Read with or without `bring`, so that a value of another type is always told.
  const uint64_t asked_bytes = options.number("chunkBytes", 0, 0, most_chunk_bytes);
  const uint64_t threads = options.number("threads", 0, 1, most_threads);
  const bool pipelined = options.flag("pipelined");
  if (name.empty()) {
    if (asked_bytes != 0 || threads != 0 || pipelined) {
      bad_option("options chunkBytes, threads and pipelined say how pages are brought in: they need option bring");
    }
    return std::nullopt;
  }
  const BringWay way = bring_way(name);
  const bool in_pieces = way == BringWay::touch || way == BringWay::read;
  const uint64_t chunk = options.number("chunkBytes", in_pieces ? default_scratch_bytes : 0, 0, most_chunk_bytes);
  if (in_pieces && chunk == 0) bad_option("option chunkBytes cannot be 0 where bring is " + name);
  if (chunk == 0 && threads > 1) bad_option("option threads needs chunkBytes: one call over all is one thread's");
  if (chunk % page_size() != 0) bad_option("option chunkBytes must be a multiple of the page size");
  return BringPlan{way, chunk, threads == 0 ? 1 : static_cast<uint32_t>(threads)};
}

std::optional<LockMode> lock_mode(const Options& options) {
  const std::string name = options.text("lock", "");
  if (name.empty()) return std::nullopt;
  if (name == "all") return LockMode::all;
  if (name == "on-fault") return LockMode::on_fault;
  bad_option("option lock must be all or on-fault");
}

}  // namespace

MapStrategy map_strategy(const Options& options) {
  options.only({"sharing", "dirtied", "populate", "sequentialFile", "advice", "bring", "chunkBytes", "threads",
                "pipelined", "lock", "unmapUnused"});
  const std::string sharing = options.text("sharing", "");
  if (sharing != "shared" && sharing != "private") bad_option("option sharing must be shared or private");
  MapStrategy result = {.shared = sharing == "shared",
                        .dirtied = options.flag("dirtied"),
                        .populate = options.flag("populate"),
                        .sequential_file = options.flag("sequentialFile"),
                        .advices = {},
                        .bring = bring_plan(options),
                        .pipelined = options.flag("pipelined"),
                        .lock = lock_mode(options),
                        .unmap_unused = options.flag("unmapUnused")};
  for (const std::string& name : options.list("advice")) result.advices.push_back(advice_by_name(name));
  if (result.dirtied && result.shared) bad_option("option dirtied needs private: it would write to the model's file");
  if (result.dirtied && result.pipelined) bad_option("options dirtied and pipelined exclude each other");
  if (result.unmap_unused && result.pipelined) {
    bad_option("options unmapUnused and pipelined exclude each other: what is unmapped must have been loaded");
  }
  return result;
}

}  // namespace weighbridge
