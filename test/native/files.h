// Files that native tests write, and the code of an error that is expected.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "../../native/loaders/loader.h"

namespace weighbridge::testing {

inline std::vector<std::byte> content(uint64_t bytes, uint32_t seed) {
  std::vector<std::byte> result(bytes);
  for (std::byte& byte : result) byte = static_cast<std::byte>((seed = seed * 1664525 + 1013904223) >> 24);
  return result;
}

// A folder of the test's own, removed with all that is in it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weighbridge-native-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw_errno("mkdtemp", name);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  // The file is on the disk when this returns.
  Part write(const std::string& name, std::span<const std::byte> bytes) const {
    const Part part = {path_ + "/" + name, bytes.size()};
    const FileDescriptor file = open_file(part.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      throw_errno("write", part.path);
    }
    ::fsync(file.get());
    return part;
  }

 private:
  std::string path_;
};

// The code of the Error that the call ends with, or "" if it returns.
inline std::string code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.reason().code;
  }
  return {};
}

}  // namespace weighbridge::testing
