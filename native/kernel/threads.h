// A fixed pool of threads that runs one function on all of them at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace weighbridge {

class ThreadPool {
 public:
  // `threads` counts the caller too: ThreadPool(1) starts none. Throws Error code out-of-memory if one cannot start.
  explicit ThreadPool(uint32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  uint32_t size() const noexcept;

  // Calls work(index) once on each thread, index 0 on the caller, and returns when all have ended. An exception of any
  // of them is rethrown here, the one of the lowest index. Not reentrant. No allocation.
  template <class Work>
  void run(Work&& work) {
    run_erased([](void* context, uint32_t index) { (*static_cast<std::remove_reference_t<Work>*>(context))(index); },
               &work);
  }

 private:
  void run_erased(void (*call)(void*, uint32_t), void* context);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weighbridge
