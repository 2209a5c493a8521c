// Ways to bring the pages of a mapped model in, in the order in which the forward pass needs them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "arrivals.h"
#include "blocks.h"
#include "mapping.h"

namespace weighbridge {

enum class BringWay {
  willneed,       // madvise(MADV_WILLNEED): asks for reading to start; one call is capped, see read_ahead_cap()
  populate_read,  // madvise(MADV_POPULATE_READ): reads in and fills the page tables, and reports what fails
  readahead,      // readahead(2): fills the page cache, capped as willneed is
  touch,          // one byte read in each page: a file that shrinks kills the process with SIGBUS
  read,           // pread(2) into a small buffer that is thrown away: fills the page cache
};

// Throws Error code bad-option for a name that is none.
BringWay bring_way(const std::string& name);
const char* name_of(BringWay way) noexcept;

// Why this way cannot work for this part; std::nullopt if it can. Brings nothing.
std::optional<Reason> bring_unsupported(BringWay way, const Part& part);

// A mapped part and the open file behind it. The caller keeps all three.
struct MappedPart {
  const Part& part;
  const FileDescriptor& file;
  const Mapping& mapping;
};

// Brings [wanted.begin, wanted.end) of the part, begin at a page, by one call (`touch`: one access a page; `read`:
// calls of at most scratch.size() bytes, which the other ways do not use). Returns the number of calls. Throws Error:
// populate-unsupported, readahead-unsupported, file-changed, short-read, out-of-memory, io-error.
uint64_t bring(BringWay way, const MappedPart& mapped, const Extent& wanted, std::span<std::byte> scratch);

struct BringPlan {
  BringWay way;
  uint64_t chunk_bytes;  // of one call, a multiple of the page size; 0: one call over each whole mapping
  uint32_t threads;
};

// Brings a whole model, on threads of its own or on the caller's.
class Bringer {
 public:
  // Brings nothing yet. What `parts` refers to must outlive it. Throws Error codes bad-option and malformed.
  Bringer(std::vector<MappedPart> parts, std::span<const Part> all_parts, std::span<const TensorRange> in_forward_order,
          const BringPlan& plan);

  // Returns when all is brought; throws the first error. One thread is the caller's own.
  void bring_all();
  // Returns at once; the threads go on. Destroying the bringer stops and joins them.
  void start();

  // Throws the error that a thread of start() met. Never waits.
  void check();
  // CLOCK_MONOTONIC nanoseconds at which start()'s threads had brought all. Waits for it, throws what check() throws.
  int64_t completed_at();

  uint64_t calls() const noexcept { return calls_.load(); }
  // At work, or the caller's one.
  uint32_t threads() const noexcept { return threads_; }
  // Of the longest single call.
  uint64_t longest_call() const noexcept { return longest_call_; }

 private:
  void bring_block(uint32_t thread, size_t block);
  // What one call covers: the block, or the whole mapping of its part.
  Extent extent_of(const Block& block) const;

  const std::vector<MappedPart> parts_;
  const BringPlan plan_;
  const Blocks blocks_;
  uint32_t threads_;
  uint64_t longest_call_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> scratch_;
  uint64_t scratch_bytes_ = 0;
  std::atomic<uint64_t> calls_ = 0;
  Arrivals arrivals_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace weighbridge
