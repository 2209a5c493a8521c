#include "together.h"

#include <algorithm>
#include <atomic>
#include <latch>
#include <system_error>
#include <thread>
#include <vector>

#include "../io.h"
#include "process.h"

namespace weighbridge {

uint64_t timed_together(uint32_t threads, const SharedWork& shared) {
  std::latch ready(threads);
  std::latch go(1);
  std::atomic<bool> called_off = false;
  std::vector<int64_t> ends(threads);
  int64_t start = 0;
  {
    std::vector<std::jthread> started;
    try {
      for (uint32_t thread = 0; thread < threads; ++thread) {
        started.emplace_back([&, thread] {
          shared.prepare(thread);
          ready.count_down();
          go.wait();
          if (called_off) return;
          shared.work(thread);
          ends[thread] = now_ns();
        });
      }
    } catch (const std::system_error& error) {
      called_off = true;
      go.count_down();
      throw Error(reason_from_errno(error.code().value(), "pthread_create", "", "out-of-memory"));
    }
    ready.wait();
    shared.before_start();
    start = now_ns();
    go.count_down();
  }
  return static_cast<uint64_t>(*std::max_element(ends.begin(), ends.end()) - start);
}

Share share_of(uint64_t total, uint32_t thread, uint32_t threads, uint64_t unit) {
  const uint64_t share = round_up((total + threads - 1) / threads, unit);
  return {std::min(total, thread * share), std::min(total, (thread + uint64_t{1}) * share)};
}

}  // namespace weighbridge
