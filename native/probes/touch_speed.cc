#include "touch_speed.h"

#include "together.h"

namespace weighbridge {

namespace {

constexpr uint64_t stride = 4096;

uint64_t touch_ns(const Region& region, uint32_t threads) {
  const std::span<std::byte> memory = region.memory();
  return timed_together(threads, {.work = [&](uint32_t thread) {
                          const Share share = share_of(memory.size(), thread, threads, huge_page_size);
                          auto* const bytes = reinterpret_cast<volatile unsigned char*>(memory.data());
                          for (uint64_t at = share.begin; at < share.end; at += stride) bytes[at] = 1;
                        }});
}

}  // namespace

std::vector<std::optional<TouchSpeed>> touch_speeds(uint64_t bytes, std::span<const TouchCase> cases) {
  std::vector<Region> held;
  held.reserve(cases.size());
  std::vector<std::optional<TouchSpeed>> speeds;
  for (const TouchCase& each : cases) {
    if (each.threads == 0) {
      throw Error(Reason{.code = "bad-option", .operation = "touch speed", .message = "wants one thread or more"});
    }
    const Region& region = held.emplace_back(bytes, each.pages);
    const uint64_t first = touch_ns(region, each.threads);
    const uint64_t second = touch_ns(region, each.threads);
    const bool as_asked = each.pages == PageKind::small || region.all_huge();
    speeds.push_back(as_asked ? std::optional(TouchSpeed{region.memory().size(), first, second}) : std::nullopt);
  }
  return speeds;
}

}  // namespace weighbridge
