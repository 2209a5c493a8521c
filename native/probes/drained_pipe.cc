#include "drained_pipe.h"

#include <algorithm>
#include <array>

namespace weighbridge {

namespace {

constexpr size_t pipe_capacity = 1 << 20;  // the most that a user may ask for (pipe-max-size)
constexpr size_t kept_each = 32 << 10;     // of the head, and again of the tail

}  // namespace

std::pair<FileDescriptor, FileDescriptor> drained_pipe() {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe", "");
  std::pair<FileDescriptor, FileDescriptor> pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) throw_errno("fcntl", "");
  ::fcntl(ends[0], F_SETPIPE_SZ, static_cast<int>(pipe_capacity));
  return pipe;
}

void Kept::add(std::string_view bytes) {
  const size_t to_head = std::min(kept_each - head_.size(), bytes.size());
  head_.append(bytes.substr(0, to_head));
  bytes.remove_prefix(to_head);
  if (bytes.size() > kept_each) {
    dropped_ = true;
    tail_.clear();
    bytes.remove_prefix(bytes.size() - kept_each);
  }
  tail_.append(bytes);
  // Only now and then: small pieces would else move the whole tail each time.
  if (tail_.size() > 2 * kept_each) trim();
}

std::string Kept::text() && {
  trim();
  if (dropped_) {
    head_.erase(head_.rfind('\n') + 1);
    tail_.erase(0, tail_.find('\n') + 1);
  }
  return std::move(head_) + tail_;
}

void Kept::trim() {
  if (tail_.size() <= kept_each) return;
  tail_.erase(0, tail_.size() - kept_each);
  dropped_ = true;
}

Drain::Drain(FileDescriptor from, int null, bool keep)
    : from_(std::move(from)), null_(null), keep_(keep), buffer_(keep ? pipe_capacity : 0) {}

bool Drain::some() {
  if (!from_) return false;
  ssize_t got = 0;
  do {
    got = keep_ ? ::read(from_.get(), buffer_.data(), buffer_.size())
                : ::splice(from_.get(), nullptr, null_, nullptr, pipe_capacity, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno != EAGAIN) throw_errno(keep_ ? "read" : "splice", "");
  if (got == 0) from_.reset();
  if (got > 0 && keep_) kept_.add({buffer_.data(), static_cast<size_t>(got)});
  return got > 0;
}

std::string Drain::rest() && {
  for (int turns = 0; turns < 4 && some(); ++turns) {
  }
  return std::move(kept_).text();
}

}  // namespace weighbridge
