#include "synthesize.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "synthetic_weights.h"

namespace weighbridge::gguf {

namespace {

constexpr uint64_t kChunk = 4 << 20;  // bytes of one write, and its alignment in the file
constexpr uint32_t kMostThreads = 4;
constexpr auto kProgressInterval = std::chrono::milliseconds(50);

// A file under a temporary name; removed unless it was published.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& final_path)
      : final_path_(final_path), path_(final_path + "." + std::to_string(::getpid()) + ".partial") {
    file_ = open_file(path_, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!published_) ::unlink(path_.c_str());
  }

  int descriptor() const noexcept { return file_.get(); }
  const std::string& final_path() const noexcept { return final_path_; }

  // Without room for the whole file nothing is written. File systems without fallocate(2) find out while writing.
  void reserve(uint64_t bytes) {
    int result = 0;
    do {
      result = ::fallocate(file_.get(), 0, 0, static_cast<off_t>(bytes));
    } while (result != 0 && errno == EINTR);
    if (result == 0) return;
    if (errno != EOPNOTSUPP && errno != ENOSYS) {
      throw_errno("fallocate", final_path_, "io-error", "free some space or choose a smaller shape");
    }
    if (::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) throw_errno("ftruncate", final_path_);
  }

  void publish() {
    if (::fsync(file_.get()) != 0) throw_errno("fsync", final_path_);
    if (::rename(path_.c_str(), final_path_.c_str()) != 0) throw_errno("rename", final_path_);
    published_ = true;
  }

 private:
  std::string final_path_;
  std::string path_;
  FileDescriptor file_;
  bool published_ = false;
};

void write_exact(const TemporaryFile& file, std::span<const std::byte> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_errno("pwrite", file.final_path());
    }
    bytes = bytes.subspan(static_cast<uint64_t>(written));
    offset += static_cast<uint64_t>(written);
  }
}

void check(const SynthesisFile& file) {
  uint64_t end = file.header.size();
  bool sound = end <= file.bytes;
  for (const SynthesisTensor& tensor : file.tensors) {
    const TypeTraits* layout = traits(tensor.type);
    const auto tensor_end = checked_add(tensor.offset, tensor.bytes);
    sound = sound && layout != nullptr && tensor.offset >= end && tensor_end && *tensor_end <= file.bytes &&
            tensor.bytes % layout->block_bytes == 0;
    end = tensor_end.value_or(UINT64_MAX);
  }
  if (!sound) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "synthesize",
                       .path = file.path,
                       .message = "tensors overlap, lie outside of the file or are no whole number of blocks"});
  }
}

// The file's bytes [begin, begin + out.size()).
void fill(const SynthesisFile& file, uint64_t begin, std::span<std::byte> out) {
  const uint64_t end = begin + out.size();
  std::memset(out.data(), 0, out.size());
  if (begin < file.header.size()) {
    std::memcpy(out.data(), file.header.data() + begin, std::min<uint64_t>(end, file.header.size()) - begin);
  }
  const auto ends_before = [](const SynthesisTensor& tensor, uint64_t at) {
    return tensor.offset + tensor.bytes <= at;
  };
  auto tensor = std::lower_bound(file.tensors.begin(), file.tensors.end(), begin, ends_before);
  for (; tensor != file.tensors.end() && tensor->offset < end; ++tensor) {
    const uint64_t from = std::max(begin, tensor->offset);
    const uint64_t to = std::min(end, tensor->offset + tensor->bytes);
    SyntheticWeights(*tensor, file.seed).write(from - tensor->offset, out.subspan(from - begin, to - from));
  }
}

// What the writing threads share.
struct Work {
  const SynthesisFile& file;
  const TemporaryFile& target;
  std::atomic<uint64_t> next_chunk = 0;
  std::atomic<uint64_t> written = 0;
  std::atomic<bool> stopped = false;
  std::mutex mutex = {};
  std::exception_ptr failure = {};  // the first one

  void fail(std::exception_ptr error) noexcept {
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::move(error);
    stopped = true;
  }
};

struct Free {
  void operator()(std::byte* memory) const noexcept { std::free(memory); }
};

template <class AfterChunk>
void write_chunks(Work& work, AfterChunk after_chunk) {
  try {
    const std::unique_ptr<std::byte, Free> chunk(static_cast<std::byte*>(std::aligned_alloc(page_size(), kChunk)));
    if (chunk == nullptr) throw_errno("aligned_alloc", work.file.path);
    while (!work.stopped) {
      const uint64_t begin = work.next_chunk.fetch_add(1) * kChunk;
      if (begin >= work.file.bytes) return;
      const std::span<std::byte> bytes(chunk.get(), std::min(kChunk, work.file.bytes - begin));
      fill(work.file, begin, bytes);
      write_exact(work.target, bytes, begin);
      work.written += bytes.size();
      after_chunk();
    }
  } catch (const std::bad_alloc&) {
    work.fail(std::make_exception_ptr(Error(Reason{.code = "out-of-memory",
                                                   .operation = "synthesize",
                                                   .path = work.file.path,
                                                   .message = "out of memory"})));
  } catch (...) {
    work.fail(std::current_exception());
  }
}

}  // namespace

void synthesize(const SynthesisFile& file, const std::function<bool(uint64_t)>& progress) {
  check(file);
  TemporaryFile target(file.path);
  target.reserve(file.bytes);
  Work work{.file = file, .target = target};

  const auto report = [&] {
    if (progress(work.written)) return;
    work.fail(std::make_exception_ptr(Error(
        Reason{.code = "interrupted", .operation = "synthesize", .path = file.path, .message = "interrupted"})));
  };
  auto reported = std::chrono::steady_clock::now();
  const auto report_sometimes = [&] {
    const auto now = std::chrono::steady_clock::now();
    if (now - reported < kProgressInterval) return;
    reported = now;
    report();
  };
  {
    std::vector<std::jthread> helpers;
    const uint64_t chunks = (file.bytes + kChunk - 1) / kChunk;
    const uint64_t processors = std::max(1u, std::thread::hardware_concurrency());
    const uint64_t threads = std::min<uint64_t>({processors, kMostThreads, chunks});
    try {
      for (uint64_t i = 1; i < threads; ++i) helpers.emplace_back([&work] { write_chunks(work, [] {}); });
    } catch (const std::system_error&) {
      // Fewer threads write the same bytes.
    }
    write_chunks(work, report_sometimes);
  }
  if (!work.failure) report();
  if (work.failure) std::rethrow_exception(work.failure);
  target.publish();
}

}  // namespace weighbridge::gguf
