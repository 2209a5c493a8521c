#include "buffered_speed.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <functional>
#include <vector>

#include "process.h"
#include "region.h"
#include "together.h"

namespace weighbridge {

namespace {

constexpr uint64_t call_bytes = 1 << 20;

struct Call {
  uint32_t part;
  uint64_t offset;
  uint64_t bytes;
  uint64_t place;  // of its first byte, all extents laid end to end
};

std::vector<Call> calls_of(std::span<const Extent> extents) {
  std::vector<Call> calls;
  uint64_t place = 0;
  for (uint32_t part = 0; part < extents.size(); ++part) {
    for (uint64_t at = extents[part].begin; at < extents[part].end; at += call_bytes) {
      const uint64_t bytes = std::min(call_bytes, extents[part].end - at);
      calls.push_back({part, at, bytes, place});
      place += bytes;
    }
  }
  return calls;
}

BufferedSpeed measure(std::span<const Part> parts, std::span<const Extent> extents, uint32_t threads,
                      const std::function<std::byte*(uint32_t thread, const Call& call)>& to) {
  std::vector<FileDescriptor> files;
  for (const Part& part : parts) files.push_back(open_part(part));
  const std::vector<Call> calls = calls_of(extents);
  std::vector<std::exception_ptr> failures(threads);
  const CounterReader counters;
  std::optional<uint64_t> read_before;
  const SharedWork shared = {.before_start = [&] { read_before = counters.read().read_bytes; },
                             .work = [&](uint32_t thread) {
                               try {
                                 const Share share = share_of(calls.size(), thread, threads, 1);
                                 for (uint64_t index = share.begin; index < share.end; ++index) {
                                   const Call& call = calls[index];
                                   read_exact(files[call.part], {to(thread, call), call.bytes}, call.offset,
                                              parts[call.part].path);
                                 }
                               } catch (...) {
                                 failures[thread] = std::current_exception();
                               }
                             }};
  const uint64_t ns = timed_together(threads, shared);
  const std::optional<uint64_t> read_after = counters.read().read_bytes;
  for (const std::exception_ptr& failure : failures) {
    if (failure != nullptr) std::rethrow_exception(failure);
  }
  const uint64_t bytes = calls.empty() ? 0 : calls.back().place + calls.back().bytes;
  return {bytes, ns, bytes_between(read_before, read_after)};
}

}  // namespace

BufferedSpeed buffered_speed(std::span<const Part> parts, std::span<const Extent> extents) {
  std::vector<std::byte> buffer(call_bytes);
  return measure(parts, extents, 1, [&](uint32_t, const Call&) { return buffer.data(); });
}

BufferedSpeed copy_speed(std::span<const Part> parts, std::span<const Extent> extents, uint32_t threads) {
  if (threads == 0) {
    throw Error(Reason{.code = "bad-option", .operation = "copy speed", .message = "wants one thread or more"});
  }
  uint64_t bytes = 0;
  for (const Extent& extent : extents) bytes += extent.bytes();
  const Region region(std::max<uint64_t>(bytes, 1), PageKind::huge);
  std::memset(region.memory().data(), 1, region.memory().size());
  return measure(parts, extents, threads, [&](uint32_t, const Call& call) { return region.memory().data() + call.place; });
}

}  // namespace weighbridge
