#include "header_reader.h"

#include <algorithm>

namespace weighbridge::gguf {

namespace {

constexpr const char* kCopyAgain = "the file was cut short or is damaged; download or copy it again";

}  // namespace

std::string HeaderDigest::hexadecimal() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string digits(16, '0');
  for (int i = 0; i < 16; ++i) digits[i] = kDigits[(state_ >> (60 - 4 * i)) & 15];
  return digits;
}

HeaderReader::HeaderReader(std::string path, HeaderDigest* digest, HeaderAllowance& allowance)
    : path_(std::move(path)), digest_(digest), allowance_(allowance) {
  // A NUL would make open(2) see a shorter name than the caller gave.
  if (path_.find('\0') != std::string::npos) {
    errno = ENOENT;
    throw_errno("open", path_, "file-missing");
  }
  file_ = open_file(path_, O_RDONLY | O_NONBLOCK | O_NOCTTY);  // a FIFO must not block; see open(2)
  size_ = regular_file_size(file_, path_);
  if (size_ == 0) fail("file-empty", 0, "the file is empty", kCopyAgain);
  const int refused = ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_RANDOM);
  if (refused != 0) throw Error(reason_from_errno(refused, "posix_fadvise", path_));
  chunk_ = std::make_unique_for_overwrite<std::byte[]>(std::min(kChunk, size_));
}

void HeaderReader::fail(const char* code, uint64_t offset, std::string message, std::string remedy) const {
  throw Error(Reason{.code = code,
                     .operation = "parse",
                     .path = path_,
                     .message = std::move(message),
                     .remedy = std::move(remedy),
                     .offset = offset});
}

void HeaderReader::fail_truncated(uint64_t offset, const char* what, uint64_t needed) const {
  fail("truncated", offset,
       std::string(what) + " needs " + std::to_string(needed) + " bytes, but the file ends at byte " +
           std::to_string(size_),
       kCopyAgain);
}

void HeaderReader::refill() {
  chunk_offset_ = position_;
  chunk_bytes_ = std::min(kChunk, remaining());
  try {
    read_exact(file_, {chunk_.get(), chunk_bytes_}, chunk_offset_, path_);
  } catch (const Error& error) {
    chunk_bytes_ = 0;
    if (error.reason().code != "short-read") throw;
    fail("truncated", error.reason().offset.value_or(position_), "the file shrank while its header was read",
         kCopyAgain);
  }
}

void HeaderReader::require(uint64_t bytes, const char* what) {
  if (bytes > remaining()) fail_truncated(position_, what, bytes);
  if (bytes > allowance_.header_bytes) {
    fail("malformed", position_, std::string("the header goes on beyond what any model needs, with ") + what,
         "convert the model again");
  }
  allowance_.header_bytes -= bytes;
}

void HeaderReader::keep(uint64_t bytes) {
  if (bytes > allowance_.kept_bytes) {
    fail("malformed", position_, "names and values of the header take more memory than those of any model",
         "convert the model again");
  }
  allowance_.kept_bytes -= bytes;
}

void HeaderReader::read_bytes(std::span<std::byte> target, const char* what) {
  require(target.size(), what);
  while (!target.empty()) {
    if (position_ - chunk_offset_ >= chunk_bytes_) refill();
    const std::span available(chunk_.get() + (position_ - chunk_offset_), chunk_offset_ + chunk_bytes_ - position_);
    const std::span taken = available.first(std::min<uint64_t>(available.size(), target.size()));
    std::memcpy(target.data(), taken.data(), taken.size());
    if (digest_ != nullptr) digest_->add(taken);
    position_ += taken.size();
    target = target.subspan(taken.size());
  }
}

std::string HeaderReader::read_string(const char* what, uint64_t longest) {
  const uint64_t start = position_;
  const uint64_t length = read<uint64_t>(what);
  if (length > remaining()) fail_truncated(start, what, length);
  if (length > longest) {
    fail("malformed", start,
         std::string(what) + " of " + std::to_string(length) + " bytes; at most " + std::to_string(longest) +
             " are accepted");
  }
  keep(length);
  std::string text(length, '\0');
  read_bytes(std::as_writable_bytes(std::span(text)), what);
  return text;
}

void HeaderReader::skip_string(const char* what) {
  const uint64_t start = position_;
  const uint64_t length = read<uint64_t>(what);
  if (length > remaining()) fail_truncated(start, what, length);
  skip(length, what);
}

void HeaderReader::skip(uint64_t bytes, const char* what) {
  require(bytes, what);
  if (digest_ == nullptr) {
    position_ += bytes;
    return;
  }
  const uint64_t end = position_ + bytes;
  while (position_ < end) {
    if (position_ - chunk_offset_ >= chunk_bytes_) refill();
    const uint64_t taken = std::min(end, chunk_offset_ + chunk_bytes_) - position_;
    digest_->add({chunk_.get() + (position_ - chunk_offset_), taken});
    position_ += taken;
  }
}

}  // namespace weighbridge::gguf
