// The thread pool: every index once, no run lost whatever the pauses between them, exceptions of the lowest index.
#include <ctime>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "../../native/io.h"
#include "../../native/kernel/threads.h"
#include "allocations.h"
#include "checks.h"

namespace weighbridge {
namespace {

double processor_seconds() {
  timespec time = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void check_pool(testing::Checks& checks, uint32_t threads, int runs) {
  const std::string what = " with " + std::to_string(threads) + " threads";
  ThreadPool pool(threads);
  checks.check(pool.size() == threads, "size" + what);
  // Plain, not atomic: that run() orders each worker's writes before its return is part of what is checked.
  std::vector<uint64_t> calls(threads * 8);
  const uint64_t before = allocations.load();
  bool complete = true;
  for (int run = 1; run <= runs; ++run) {
    pool.run([&](uint32_t index) { ++calls[index * 8]; });
    for (uint32_t index = 0; index < threads; ++index) {
      complete = complete && calls[index * 8] == static_cast<uint64_t>(run);
    }
    // Some pauses end while workers still look for work, some long after they fell asleep.
    if (run % 64 == 0) std::this_thread::sleep_for(std::chrono::microseconds(run % 5 * 40));
  }
  const uint64_t after_runs = allocations.load();
  checks.check(complete, "each index once a run" + what);
  checks.check(after_runs == before, "no allocation" + what);

  std::string caught;
  try {
    pool.run([&](uint32_t index) {
      if (index >= threads / 2) throw std::runtime_error(std::to_string(index));
    });
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  checks.check(caught == std::to_string(threads / 2), "the exception of the lowest index" + what);
  std::atomic<uint32_t> after{0};
  pool.run([&](uint32_t) { after.fetch_add(1); });
  checks.check(after == threads, "usable after an exception" + what);
}

int run() {
  testing::Checks checks;
  check_pool(checks, 1, 1000);
  check_pool(checks, 2, 5000);
  check_pool(checks, 3, 1000);
  check_pool(checks, 64, 200);

  ThreadPool idle(4);
  idle.run([](uint32_t) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double before = processor_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  checks.check(processor_seconds() - before < 0.05, "an idle pool uses no processor time");

  std::string code;
  try {
    ThreadPool none(0);
  } catch (const Error& error) {
    code = error.reason().code;
  }
  checks.check(code == "bad-option", "no pool of 0 threads");
  return checks.finish();
}

}  // namespace
}  // namespace weighbridge

int main() { return weighbridge::run(); }
