#include "io.h"

#include <cstring>

namespace weighbridge {

namespace {

const char* code_for_any(int error_number, const char* fallback) {
  switch (error_number) {
    case ENOMEM:
      return "out-of-memory";
    case ENOSYS:
      return "unsupported-by-kernel";
    default:
      return fallback;
  }
}

const char* code_for_file(int error_number, const char* fallback) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return "file-missing";
    case EACCES:
    case EPERM:
      return "file-unreadable";
    case EISDIR:
      return "not-a-file";
    case ENOSPC:
    case EDQUOT:
      return "disk-full";
    default:
      return code_for_any(error_number, fallback);
  }
}

}  // namespace

Reason reason_from_errno(int error_number, const char* operation, const std::string& path, const char* fallback,
                         std::string remedy) {
  return Reason{.code = path.empty() ? code_for_any(error_number, fallback) : code_for_file(error_number, fallback),
                .operation = operation,
                .path = path,
                .error_number = error_number,
                .message = std::string(operation) + ": " + ::strerror(error_number),
                .remedy = std::move(remedy)};
}

void throw_errno(const char* operation, const std::string& path, const char* fallback, std::string remedy) {
  throw Error(reason_from_errno(errno, operation, path, fallback, std::move(remedy)));
}

FileDescriptor open_file(const std::string& path, int flags, mode_t mode) {
  // Opening a FIFO to read waits for a writer (fifo(7)) unless told not to. The flag goes again where the caller did not
  // ask for it: io_uring takes it to mean that a read from a file must not wait either.
  const int patient = (flags & O_ACCMODE) == O_RDONLY ? O_NONBLOCK : 0;
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | patient | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) throw_errno("open", path);
  FileDescriptor file(fd);
  if ((patient & ~flags) != 0) {
    const int now = ::fcntl(fd, F_GETFL);
    if (now < 0 || ::fcntl(fd, F_SETFL, now & ~O_NONBLOCK) != 0) throw_errno("fcntl", path);
  }
  return file;
}

uint64_t regular_file_size(const FileDescriptor& file, const std::string& path) {
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) throw_errno("fstat", path);
  if (!S_ISREG(status.st_mode)) {
    throw Error(Reason{.code = "not-a-file",
                       .operation = "open",
                       .path = path,
                       .message = S_ISDIR(status.st_mode) ? "is a directory" : "is not a regular file",
                       .remedy = "name a GGUF file"});
  }
  return static_cast<uint64_t>(status.st_size);
}

void read_exact(const FileDescriptor& file, std::span<std::byte> bytes, uint64_t offset, const std::string& path) {
  uint64_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pread(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      throw_errno("pread", path);
    }
    if (got == 0) {
      throw Error(Reason{.code = "short-read",
                         .operation = "pread",
                         .path = path,
                         .message = "the file ended at byte " + std::to_string(offset + done) + ", " +
                                    std::to_string(bytes.size() - done) + " bytes early",
                         .remedy = "the file shrank or was cut; copy it again",
                         .offset = offset + done});
    }
    done += static_cast<uint64_t>(got);
  }
}

uint64_t page_size() noexcept {
  static const uint64_t size = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace weighbridge
