#include "device_reader.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <latch>
#include <system_error>
#include <thread>

#include "direct_io.h"
#include "process.h"
#include "uring.h"

namespace weighbridge {

DeviceReader::DeviceReader(std::span<const Part> parts) : buffers_(buffer_bytes, PageKind::huge) {
  for (const Part& part : parts) {
    FileDescriptor file = open_direct(part.path);
    check_unchanged(part, regular_file_size(file, part.path));
    const DirectAlignment alignment = direct_alignment(file, part.path);
    parts_.push_back(OpenPart{part, std::move(file), std::max(alignment.memory, alignment.offset), alignment});
  }
}

uint64_t DeviceReader::unit() const noexcept {
  uint64_t largest = 1;
  for (const OpenPart& open : parts_) largest = std::max(largest, open.unit);
  return largest;
}

std::vector<Extent> DeviceReader::aligned_extents(std::span<const TensorRange> ranges) const {
  std::vector<Part> parts;
  for (const OpenPart& open : parts_) parts.push_back(open.part);
  std::vector<Extent> extents = tensor_extents(parts, ranges);
  for (size_t index = 0; index < extents.size(); ++index) {
    const uint64_t unit = parts_[index].unit;
    extents[index] = Extent{round_down(extents[index].begin, unit), round_up(extents[index].end, unit)};
  }
  return extents;
}

std::vector<DeviceBlock> DeviceReader::blocks(std::span<const Extent> extents, uint64_t block_bytes) const {
  std::vector<DeviceBlock> result;
  for (uint32_t part = 0; part < extents.size(); ++part) {
    if (extents[part].bytes() == 0) continue;
    if (block_bytes == 0 || block_bytes % parts_[part].unit != 0) {
      throw Error(Reason{.code = "bad-option",
                         .operation = "device ceiling",
                         .path = parts_[part].part.path,
                         .message = "the block must be a multiple of " + std::to_string(parts_[part].unit) + " bytes"});
    }
    for (uint64_t at = extents[part].begin; at < extents[part].end; at += block_bytes) {
      result.push_back(DeviceBlock{part, at, std::min(block_bytes, extents[part].end - at)});
    }
  }
  return result;
}

CeilingResult DeviceReader::read(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe) {
  const std::span<std::byte> memory = buffers_.memory();
  const std::optional<uint64_t> needed = checked_multiply(recipe.block_bytes, recipe.depth);
  if (recipe.depth == 0 || recipe.block_bytes == 0 || !needed || *needed > memory.size()) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "device ceiling",
                       .message = "depth × block must lie between 1 byte and 16 MiB"});
  }
  auto* const bytes = reinterpret_cast<volatile unsigned char*>(memory.data());
  for (uint64_t at = 0; at < memory.size(); at += 64) bytes[at] = 1;
  CeilingResult result = measure(blocks, recipe, [&](uint32_t slot, const DeviceBlock&) {
    return memory.data() + slot * recipe.block_bytes;
  });
  result.huge_pages = buffers_.all_huge();
  return result;
}

CeilingResult DeviceReader::read_home(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe,
                                      std::span<const Extent> extents, std::span<const Region> homes) {
  if (recipe.depth == 0) {
    throw Error(Reason{.code = "bad-option", .operation = "home ceiling", .message = "wants one read in flight or more"});
  }
  CeilingResult result = measure(blocks, recipe, [&](uint32_t, const DeviceBlock& block) {
    std::byte* const place = homes[block.part].memory().data() + (block.offset - extents[block.part].begin);
    touch_for_direct(parts_[block.part].alignment, {place, block.bytes});
    return place;
  });
  result.huge_pages = true;
  for (const Region& home : homes) result.huge_pages = result.huge_pages && (home.memory().empty() || home.all_huge());
  return result;
}

CeilingResult DeviceReader::measure(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe,
                                    const Destination& to) {
  const bool ring = recipe.engine == DeviceEngine::io_uring;
  const CounterReader counters;
  const std::optional<uint64_t> read_before = counters.read().read_bytes;
  const uint64_t ns = ring ? read_by_ring(blocks, recipe, to) : read_by_threads(blocks, recipe, to);
  const std::optional<uint64_t> read_after = counters.read().read_bytes;
  uint64_t bytes = 0;
  for (const DeviceBlock& block : blocks) bytes += std::min(block.bytes, parts_[block.part].part.bytes - block.offset);
  return CeilingResult{bytes, ns, false, bytes_between(read_before, read_after)};
}

std::optional<DeviceBlock> DeviceReader::rest_of(const DeviceBlock& block, int64_t result, uint32_t& in_vain) const {
  const Part& part = parts_[block.part].part;
  if (result < 0) {
    const auto error_number = static_cast<int>(-result);
    if (!ask_again(error_number, in_vain)) throw Error(reason_from_errno(error_number, "read", part.path));
    return block;
  }
  in_vain = 0;
  const auto got = static_cast<uint64_t>(result);
  if (got >= std::min(block.bytes, part.bytes - block.offset)) return std::nullopt;
  const uint64_t whole = round_down(got, parts_[block.part].unit);
  if (whole == 0) throw_short_read("read", part, block.offset + got);
  return DeviceBlock{block.part, block.offset + whole, block.bytes - whole};
}

// The tag of a read is its buffer's number; which block lies in flight there is kept beside it.
uint64_t DeviceReader::read_by_ring(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe,
                                    const Destination& to) {
  Uring ring(recipe.depth);
  std::vector<DeviceBlock> in_flight(recipe.depth);
  size_t next = 0;
  uint32_t flying = 0;
  uint32_t in_vain = 0;
  const auto queue = [&](uint32_t slot, const DeviceBlock& block) {
    in_flight[slot] = block;
    ring.queue_read(parts_[block.part].file.get(), {to(slot, block), block.bytes}, block.offset, slot);
    ++flying;
  };
  std::exception_ptr failure;
  const int64_t start = now_ns();
  for (uint32_t slot = 0; slot < recipe.depth && next < blocks.size(); ++slot) queue(slot, blocks[next++]);
  while (flying > 0) {
    ring.submit(1);
    while (const std::optional<Uring::Completion> done = ring.pop()) {
      const auto slot = static_cast<uint32_t>(done->tag);
      --flying;
      std::optional<DeviceBlock> rest;
      try {
        rest = rest_of(in_flight[slot], done->result, in_vain);
      } catch (...) {
        // The kernel still writes into the buffers of the others: wait for them before anything is unmapped.
        failure = std::current_exception();
      }
      if (failure != nullptr) continue;
      if (rest) {
        queue(slot, *rest);
      } else if (next < blocks.size()) {
        queue(slot, blocks[next++]);
      }
    }
  }
  const int64_t end = now_ns();
  if (failure != nullptr) std::rethrow_exception(failure);
  return static_cast<uint64_t>(end - start);
}

uint64_t DeviceReader::read_by_threads(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe,
                                       const Destination& to) {
  std::atomic<size_t> next = 0;
  std::vector<std::exception_ptr> failures(recipe.depth);
  std::latch ready(recipe.depth + 1);
  std::latch go(1);
  const auto work = [&](uint32_t index) {
    ready.count_down();
    go.wait();
    try {
      for (size_t at = next++; at < blocks.size(); at = next++) {
        uint32_t in_vain = 0;
        for (std::optional<DeviceBlock> rest = blocks[at]; rest;) {
          const ssize_t got = ::pread(parts_[rest->part].file.get(), to(index, *rest), rest->bytes,
                                      static_cast<off_t>(rest->offset));
          rest = rest_of(*rest, got < 0 ? -errno : got, in_vain);
        }
      }
    } catch (...) {
      failures[index] = std::current_exception();
    }
  };
  int64_t start = 0;
  {
    std::vector<std::jthread> threads;
    try {
      for (uint32_t index = 0; index < recipe.depth; ++index) threads.emplace_back(work, index);
    } catch (const std::system_error& error) {
      next = blocks.size();
      go.count_down();
      throw Error(reason_from_errno(error.code().value(), "pthread_create", "", "out-of-memory"));
    }
    ready.arrive_and_wait();
    start = now_ns();
    go.count_down();
  }
  const int64_t end = now_ns();
  for (const std::exception_ptr& failure : failures) {
    if (failure != nullptr) std::rethrow_exception(failure);
  }
  return static_cast<uint64_t>(end - start);
}

}  // namespace weighbridge
