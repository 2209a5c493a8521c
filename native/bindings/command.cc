// One external program as a sample of a run, in a process of its own.
#include "../probes/command.h"

#include <csignal>

#include "../probes/process.h"
#include "convert.h"

namespace weighbridge::bindings {

namespace {

CommandSpec spec_of(const Napi::Object& spec) {
  return {.argv = texts(spec.Get("argv")),
          .output = text(spec, "output") == "first-byte" ? CommandOutput::first_byte : CommandOutput::discard,
          .keep_output = flag(spec, "keepOutput"),
          .watch_memory = text(spec, "pass") == "memory"};
}

// "SIGKILL"; a real-time signal has no name.
std::string signal_name(int signal) {
  constexpr std::pair<int, const char*> names[] = {
      {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"},
      {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"},
      {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"}, {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"},
      {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"},
  };
  for (const auto& [number, name] : names) {
    if (number == signal) return name;
  }
  return "signal " + std::to_string(signal);
}

Napi::Object to_js(Napi::Env env, const CommandResult& result) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("startAtNs", number(env, static_cast<uint64_t>(result.start_at_ns)));
  object.Set("wallNs", number(env, result.wall_ns));
  object.Set("firstByteNs", number_or_null(env, result.first_byte_ns));
  object.Set("userNs", number(env, result.user_ns));
  object.Set("systemNs", number(env, result.system_ns));
  object.Set("minorFaults", number(env, result.minor_faults));
  object.Set("majorFaults", number(env, result.major_faults));
  object.Set("voluntarySwitches", number(env, result.voluntary_switches));
  object.Set("involuntarySwitches", number(env, result.involuntary_switches));
  object.Set("readBytes", number_or_null(env, result.read_bytes));
  object.Set("peakRss", number_or_null(env, result.peak_rss));
  object.Set("peakRssWatched", Napi::Boolean::New(env, result.peak_rss_watched));
  object.Set("peakPss", number_or_null(env, result.peak_pss));
  object.Set("exitCode", result.exit_code ? Napi::Value(Napi::Number::New(env, *result.exit_code)) : env.Null());
  object.Set("signal", result.signal ? Napi::Value(Napi::String::New(env, signal_name(*result.signal))) : env.Null());
  object.Set("pipeBytes", result.pipe_bytes == 0 ? env.Null() : Napi::Value(number(env, result.pipe_bytes)));
  object.Set("output", Napi::Buffer<char>::Copy(env, result.output.data(), result.output.size()));
  object.Set("errors", Napi::Buffer<char>::Copy(env, result.errors.data(), result.errors.size()));
  return object;
}

Napi::Value run_command(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object spec = info[0].As<Napi::Object>();
    Command command(spec_of(spec));
    const uint64_t spin_before_ns = spin_ns();
    const BarrierTimes times = pass(barrier_of(spec));
    Napi::Object object = to_js(env, command.run());
    object.Set("spinBeforeNs", number(env, spin_before_ns));
    object.Set("spinAfterNs", number(env, spin_ns()));
    object.Set("readyAtNs", number(env, static_cast<uint64_t>(times.ready_at_ns)));
    object.Set("releasedAtNs", number(env, static_cast<uint64_t>(times.released_at_ns)));
    return object;
  });
}

}  // namespace

void export_command(Napi::Env env, Napi::Object exports) {
  exports.Set("runCommand", Napi::Function::New(env, run_command, "runCommand"));
}

}  // namespace weighbridge::bindings
