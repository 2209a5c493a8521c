// A pipe that a program writes and this process empties, so that the program never waits for a reader.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../io.h"

namespace weighbridge {

// Reading end, which never blocks, and writing end of a pipe; of 1 MiB where the system grants that (F_GETPIPE_SZ).
std::pair<FileDescriptor, FileDescriptor> drained_pipe();

// The beginning and the end of a stream, 32 KiB each. What is cut is cut at line breaks, so that no half of a number
// remains.
class Kept {
 public:
  void add(std::string_view bytes);
  std::string text() &&;

 private:
  void trim();

  std::string head_, tail_;
  bool dropped_ = false;
};

// Empties a pipe. What nobody wants to keep is not copied (splice(2) into /dev/null).
class Drain {
 public:
  // `null`: /dev/null, open for writing as long as this lives.
  Drain(FileDescriptor from, int null, bool keep);

  // -1 once there is nothing to come: poll(2) passes over it.
  int fd() const noexcept { return from_.get(); }

  // What is there now, at most the pipe's capacity. False where it was empty or has ended.
  bool some();

  // What was kept, and what the program left behind. A process that got away and writes on does not hold us.
  std::string rest() &&;

 private:
  FileDescriptor from_;
  int null_;
  bool keep_;
  std::vector<char> buffer_;
  Kept kept_;
};

}  // namespace weighbridge
