#include "control_groups.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace weighbridge {

namespace {

struct Folders {
  std::vector<std::string> version2;  // this process's group, then those above it up to the mount
  std::vector<std::string> version1;
};

void add_upwards(std::vector<std::string>& folders, const std::string& mount, std::string group) {
  while (group.size() > 1) {
    folders.push_back(mount + group);
    group.resize(group.rfind('/'));
  }
  folders.push_back(mount);
}

bool lists(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const size_t end = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, end) == wanted) return true;
    controllers.remove_prefix(std::min(end + 1, controllers.size()));
  }
  return false;
}

// Lines of /proc/self/cgroup are number:controllers:path; version 2 has no controllers. See cgroups(7). In a container
// the path may be one of the host's, which is not there: the mount itself is the container's group then.
Folders folders_of(const std::string& controller) {
  Folders folders;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || second + 1 >= line.size() || line[second + 1] != '/') continue;
    const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) add_upwards(folders.version2, "/sys/fs/cgroup", group);
    if (lists(controllers, controller)) add_upwards(folders.version1, "/sys/fs/cgroup/" + controller, group);
  }
  return folders;
}

// The first number of a file; std::nullopt for "max" and for a file that is not there.
std::optional<int64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

// The value after `key` in a file of lines of key and value; 0 where there is none.
uint64_t value_in(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  std::string name;
  uint64_t value = 0;
  while (file >> name >> value) {
    if (name == key) return value;
  }
  return 0;
}

template <class T>
void tighten(std::optional<T>& least, T value) {
  least = std::min(least.value_or(value), value);
}

}  // namespace

std::optional<uint64_t> control_group_memory() {
  std::optional<uint64_t> least;
  const auto consider = [&](const std::string& folder, const char* limit_file, const char* anonymous) {
    const std::optional<int64_t> limit = number_in(folder + "/" + limit_file);
    if (!limit || *limit < 0) return;
    const uint64_t used = value_in(folder + "/memory.stat", anonymous);
    const auto most = static_cast<uint64_t>(*limit);
    tighten(least, most - std::min(most, used));
  };
  const Folders folders = folders_of("memory");
  for (const std::string& folder : folders.version2) consider(folder, "memory.max", "anon");
  for (const std::string& folder : folders.version1) consider(folder, "memory.limit_in_bytes", "total_rss");
  return least;
}

std::optional<double> control_group_processors() {
  std::optional<double> least;
  const Folders folders = folders_of("cpu");
  for (const std::string& folder : folders.version2) {
    std::ifstream file(folder + "/cpu.max");
    double quota = 0, period = 0;
    if (file >> quota >> period && quota > 0 && period > 0) tighten(least, quota / period);
  }
  for (const std::string& folder : folders.version1) {
    const std::optional<int64_t> quota = number_in(folder + "/cpu.cfs_quota_us");
    const std::optional<int64_t> period = number_in(folder + "/cpu.cfs_period_us");
    if (quota && period && *quota > 0 && *period > 0) {
      tighten(least, static_cast<double>(*quota) / static_cast<double>(*period));
    }
  }
  return least;
}

}  // namespace weighbridge
