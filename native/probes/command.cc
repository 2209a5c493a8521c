#include "command.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <tuple>
#include <utility>

#include "drained_pipe.h"
#include "helper_process.h"
#include "process.h"

namespace weighbridge {

namespace {

// VmHWM of a growing process is approximate by a few pages for each CPU; a mark this close tells nothing.
constexpr uint64_t mark_margin = 1 << 20;

FileDescriptor pidfd(pid_t pid) {
  constexpr long pidfd_open_number = 434;  // Linux 5.3; older headers lack it
  const auto fd = static_cast<int>(::syscall(pidfd_open_number, pid, 0u));
  if (fd < 0) throw_errno("pidfd_open", "", "io-error", "use Linux 5.3 or later");
  return FileDescriptor(fd);
}

Reason not_started(int error_number, const std::string& path) {
  Reason reason = reason_from_errno(error_number, "execve", path, "command-not-executable");
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      reason.code = "command-not-found";
      reason.message = "there is no such program, or the interpreter that its first line names is missing";
      reason.remedy = "install it, or give its path";
      break;
    case EACCES:
    case EPERM:
      reason.code = "not-permitted";
      reason.message = "it may not be executed";
      break;
    case ENOEXEC:
      reason.code = "command-not-executable";
      reason.message = "it is neither a program for this machine nor a script that begins with #!";
      break;
    default:
      break;
  }
  return reason;
}

// As execvp(3) finds it, but before anything is timed.
std::string look_up(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (::access(name.c_str(), X_OK) != 0) throw Error(not_started(errno, name));
    return name;
  }
  const char* const variable = std::getenv("PATH");
  std::string_view rest = variable == nullptr ? "/usr/local/bin:/usr/bin:/bin" : variable;
  int error_number = ENOENT;
  for (bool more = true; more;) {
    const size_t end = rest.find(':');
    const std::string folder(rest.substr(0, end));
    const std::string path = (folder.empty() ? "." : folder) + "/" + name;
    struct stat status = {};
    if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      if (::access(path.c_str(), X_OK) == 0) return path;
      error_number = EACCES;
    }
    more = end != std::string_view::npos;
    rest.remove_prefix(more ? end + 1 : rest.size());
  }
  Reason reason = not_started(error_number, name);
  if (error_number == ENOENT) reason.message = "there is no program of this name in PATH";
  throw Error(reason);
}

// What the new process needs to know. It shares this memory until it executes the program.
struct Start {
  const char* path;
  char* const* argv;
  pid_t parent, group;
  int input, output, errors;
  int error_number;
};

// In the new process, on a stack of its own, all signals blocked: async-signal-safe calls only.
int start_program(void* argument) noexcept {
  auto& start = *static_cast<Start*>(argument);
  const auto prepared = [&] {
    // The signal comes when the *thread* that made this process ends.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::setpgid(0, start.group) != 0) return false;
    if (::getppid() != start.parent) ::_exit(1);
    if (::dup2(start.input, STDIN_FILENO) < 0 || ::dup2(start.output, STDOUT_FILENO) < 0 ||
        ::dup2(start.errors, STDERR_FILENO) < 0) {
      return false;
    }
    close_descriptors_above(STDERR_FILENO);
    // execve(2) keeps what is ignored (SIGPIPE, by Node) and blocked. The C library refuses the two that are its own.
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
  };
  if (prepared()) ::execve(start.path, start.argv, environ);
  start.error_number = errno;
  ::_exit(1);
}

uint64_t nanoseconds(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_usec) * 1'000;
}

// Appends the children of each thread of a process (proc_pid_task(5)); none where the kernel does not tell.
void add_children(pid_t pid, std::vector<pid_t>& found) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  DIR* const folder = ::opendir(tasks.c_str());
  if (folder == nullptr) return;
  while (const dirent* const entry = ::readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    const FileDescriptor file(::open((tasks + "/" + entry->d_name + "/children").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> buffer;
    const ssize_t got = file ? ::read(file.get(), buffer.data(), buffer.size()) : 0;
    const char* at = buffer.data();
    const char* const end = at + std::max<ssize_t>(0, got);
    for (pid_t child = 0; at < end;) {
      const auto [next, error] = std::from_chars(at, end, child);
      if (error != std::errc{}) break;
      found.push_back(child);
      at = next + 1;
    }
  }
  ::closedir(folder);
}

// The memory of a running program, looked at now and then.
class MemoryWatch {
 public:
  MemoryWatch(pid_t pid, bool closely) : pid_(pid), closely_(closely) {}

  void look() {
    std::vector<pid_t> processes = {pid_};
    std::optional<uint64_t> pss;
    for (size_t at = 0; at < processes.size(); ++at) {
      raise(rss_, peak_rss(processes[at]));
      if (!closely_) break;
      if (const auto own = proportional_set_size(processes[at])) pss = pss.value_or(0) + *own;
      add_children(processes[at], processes);
    }
    raise(pss_, pss);
    const int64_t now = now_ns();
    due_ns_ = now + pause_ns_;
    pause_ns_ = std::min(2 * pause_ns_, closely_ ? close_pause_ns : far_pause_ns);
  }

  // Milliseconds until the next look, rounded up.
  int wait_ms() const noexcept {
    return static_cast<int>(std::max<int64_t>(0, (due_ns_ - now_ns() + 999'999) / 1'000'000));
  }

  std::optional<uint64_t> rss() const noexcept { return rss_; }
  std::optional<uint64_t> pss() const noexcept { return pss_; }

 private:
  static constexpr int64_t close_pause_ns = 4'000'000;
  static constexpr int64_t far_pause_ns = 16'000'000;

  static void raise(std::optional<uint64_t>& highest, std::optional<uint64_t> value) {
    if (value) highest = std::max(highest.value_or(0), *value);
  }

  pid_t pid_;
  bool closely_;
  int64_t due_ns_ = now_ns() + 1'000'000;
  int64_t pause_ns_ = 1'000'000;
  std::optional<uint64_t> rss_, pss_;
};

}  // namespace

Command::Command(CommandSpec spec) : spec_(std::move(spec)) {
  if (spec_.argv.empty() || spec_.argv.front().empty()) {
    throw Error(Reason{.code = "bad-option", .operation = "command", .message = "a command needs a program's name"});
  }
  path_ = look_up(spec_.argv.front());
  static_cast<void>(pidfd(::getpid()));  // refuses before anything runs
  null_ = open_file("/dev/null", O_RDWR);
  if (spec_.output == CommandOutput::first_byte) std::tie(output_read_, output_write_) = drained_pipe();
  std::tie(errors_read_, errors_write_) = drained_pipe();
}

// Like posix_spawn(3), whose attributes know no PR_SET_PDEATHSIG: no copy of this process's page tables is made.
pid_t Command::spawn() {
  std::vector<char*> argv;
  for (std::string& word : spec_.argv) argv.push_back(word.data());
  argv.push_back(nullptr);
  Start start = {.path = path_.c_str(),
                 .argv = argv.data(),
                 .parent = ::getpid(),
                 .group = group_.id(),
                 .input = null_.get(),
                 .output = output_write_ ? output_write_.get() : null_.get(),
                 .errors = errors_write_.get(),
                 .error_number = 0};
  alignas(16) std::array<std::byte, 64 << 10> stack;
  const SignalsBlocked blocked;
  const pid_t pid = ::clone(start_program, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
  if (pid < 0) throw_errno("clone", "", "process-limit", "allow more processes (ulimit -u, pids.max)");
  if (start.error_number != 0) {
    wait_for_helper(pid);
    throw Error(not_started(start.error_number, path_));
  }
  return pid;
}

CommandResult Command::run() {
  CommandResult result = {};
  const bool piped = spec_.output == CommandOutput::first_byte;
  if (piped) result.pipe_bytes = static_cast<uint64_t>(std::max(0, ::fcntl(output_read_.get(), F_GETPIPE_SZ)));
  Drain output(std::move(output_read_), null_.get(), piped && spec_.keep_output);
  Drain errors(std::move(errors_read_), null_.get(), true);

  result.start_at_ns = now_ns();
  const pid_t pid = spawn();
  MemoryWatch memory(pid, spec_.watch_memory);
  const FileDescriptor program = pidfd(pid);
  output_write_.reset();
  errors_write_.reset();
  for (bool running = true; running;) {
    std::array<pollfd, 3> watched = {pollfd{program.get(), POLLIN, 0}, pollfd{output.fd(), POLLIN, 0},
                                     pollfd{errors.fd(), POLLIN, 0}};
    const int ready = ::poll(watched.data(), watched.size(), memory.wait_ms());
    const auto since_start = static_cast<uint64_t>(now_ns() - result.start_at_ns);
    if (ready < 0 && errno != EINTR) throw_errno("poll", "");
    if (memory.wait_ms() == 0) memory.look();
    if (ready <= 0) continue;
    if (watched[0].revents != 0) {
      result.wall_ns = since_start;
      running = false;
    }
    if ((watched[1].revents & POLLIN) != 0 && !result.first_byte_ns) result.first_byte_ns = since_start;
    if (watched[1].revents != 0) output.some();
    if (watched[2].revents != 0) errors.some();
  }

  // A zombie still has its counters, and those of children that it waited for; wait4(2) takes them away.
  result.read_bytes = issued_bytes(pid);
  int status = 0;
  rusage usage = {};
  pid_t ended = 0;
  do {
    ended = ::wait4(pid, &status, 0, &usage);
  } while (ended < 0 && errno == EINTR);
  if (ended != pid) throw_errno("wait4", "");
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  result.user_ns = nanoseconds(usage.ru_utime);
  result.system_ns = nanoseconds(usage.ru_stime);
  result.minor_faults = static_cast<uint64_t>(usage.ru_minflt);
  result.major_faults = static_cast<uint64_t>(usage.ru_majflt);
  result.voluntary_switches = static_cast<uint64_t>(usage.ru_nvcsw);
  result.involuntary_switches = static_cast<uint64_t>(usage.ru_nivcsw);
  const uint64_t most = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  result.peak_rss_watched = most <= peak_rss().value_or(most) + mark_margin;
  result.peak_rss = result.peak_rss_watched ? memory.rss() : most;
  result.peak_pss = memory.pss();
  result.output = std::move(output).rest();
  result.errors = std::move(errors).rest();
  return result;
}

}  // namespace weighbridge
