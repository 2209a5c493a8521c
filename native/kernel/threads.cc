#include "threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "../io.h"
#include "control_groups.h"

namespace weighbridge {

namespace {

constexpr uint32_t most_threads = 4096;

// The phases of a forward pass follow each other within microseconds, a futex wake-up costs tens of them: a thread
// that waits looks for this long before it sleeps.
constexpr auto spin_time = std::chrono::microseconds(60);

// Processors that the affinity mask allows. A mask smaller than the kernel's is EINVAL; see sched_getaffinity(2).
double allowed_processors() {
  constexpr size_t largest_mask = 1 << 16;
  for (std::vector<cpu_set_t> mask(1); mask.size() * sizeof(cpu_set_t) <= largest_mask; mask.resize(2 * mask.size())) {
    const size_t bytes = mask.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
    if (errno != EINVAL) break;
  }
  return std::thread::hardware_concurrency();
}

// A container's quota lets threads run on more processors than it pays for.
double usable_processors() {
  const double allowed = allowed_processors();
  return std::min(allowed, control_group_processors().value_or(allowed));
}

inline void pause_briefly() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

// Returns the first value other than `old`.
uint32_t await_change(const std::atomic<uint32_t>& value, uint32_t old, bool spin) noexcept {
  if (spin) {
    const auto until = std::chrono::steady_clock::now() + spin_time;
    do {
      for (int i = 0; i < 32; ++i) {
        const uint32_t now = value.load(std::memory_order_acquire);
        if (now != old) return now;
        pause_briefly();
      }
    } while (std::chrono::steady_clock::now() < until);
  }
  for (;;) {
    const uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    value.wait(old, std::memory_order_acquire);
  }
}

}  // namespace

struct ThreadPool::State {
  uint32_t size = 1;
  bool spin = false;
  bool stopping = false;
  void (*call)(void*, uint32_t) = nullptr;
  void* context = nullptr;
  std::vector<std::exception_ptr> errors;  // one a thread
  std::vector<std::thread> workers;
  // On lines of their own: one is written by the caller, the other by every worker.
  alignas(64) std::atomic<uint32_t> generation{0};  // one more for every run()
  alignas(64) std::atomic<uint32_t> busy{0};        // workers that have not ended this run

  void work(uint32_t index) noexcept {
    try {
      call(context, index);
    } catch (...) {
      errors[index] = std::current_exception();
    }
  }

  void serve(uint32_t index) noexcept {
    uint32_t seen = 0;
    for (;;) {
      // It cannot have moved by two: run() returns only when every worker has ended.
      seen = await_change(generation, seen, spin);
      if (stopping) return;
      work(index);
      if (busy.fetch_sub(1) == 1) busy.notify_one();
    }
  }

  void begin() noexcept {
    generation.fetch_add(1);
    generation.notify_all();
  }

  void stop() noexcept {
    stopping = true;
    begin();
    for (std::thread& worker : workers) worker.join();
    workers.clear();
  }
};

ThreadPool::ThreadPool(uint32_t threads) : state_(std::make_unique<State>()) {
  if (threads == 0 || threads > most_threads) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "threads",
                       .message = "threads must be 1 to " + std::to_string(most_threads)});
  }
  state_->size = threads;
  // Spinning threads that outnumber the processors only keep each other from working.
  state_->spin = threads <= usable_processors();
  state_->errors.resize(threads);
  state_->workers.reserve(threads - 1);
  try {
    for (uint32_t index = 1; index < threads; ++index) {
      state_->workers.emplace_back([state = state_.get(), index] { state->serve(index); });
    }
  } catch (const std::system_error& error) {
    state_->stop();
    Reason reason = reason_from_errno(error.code().value(), "pthread_create", "", "out-of-memory", "use fewer threads");
    reason.code = "out-of-memory";
    throw Error(std::move(reason));
  }
}

ThreadPool::~ThreadPool() { state_->stop(); }

uint32_t ThreadPool::size() const noexcept { return state_->size; }

void ThreadPool::run_erased(void (*call)(void*, uint32_t), void* context) {
  State& state = *state_;
  if (state.size == 1) {
    call(context, 0);
    return;
  }
  state.call = call;
  state.context = context;
  state.busy.store(state.size - 1);
  state.begin();
  state.work(0);
  for (uint32_t busy = state.busy.load(std::memory_order_acquire); busy != 0;) {
    busy = await_change(state.busy, busy, state.spin);
  }
  for (std::exception_ptr& error : state.errors) {
    if (error == nullptr) continue;
    const std::exception_ptr lowest = error;
    for (std::exception_ptr& each : state.errors) each = nullptr;
    std::rethrow_exception(lowest);
  }
}

}  // namespace weighbridge
