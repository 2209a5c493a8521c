// Between JavaScript values and plain structs, and the one place where native exceptions become JavaScript errors.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "../io.h"
#include "../loaders/loader.h"
#include "../probes/ceilings.h"
#include "../sample.h"

namespace weighbridge::bindings {

// { code, operation, path, errno, message, remedy, offset }; errno is its name ("ENOENT") or null, as is offset.
Napi::Object to_js(Napi::Env env, const Reason& reason);
// An Error whose properties are those of the reason.
Napi::Error to_js_error(Napi::Env env, const Reason& reason);

// Calls body and turns weighbridge::Error, std::bad_alloc and std::exception into a thrown JavaScript error with code.
template <class Body>
auto guarded(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (const Error& error) {
    throw to_js_error(env, error.reason());
  } catch (const std::bad_alloc&) {
    throw to_js_error(env, Reason{.code = "out-of-memory", .operation = "allocate", .message = "out of memory"});
  } catch (const std::exception& error) {
    throw to_js_error(env, Reason{.code = "internal", .operation = "native", .message = error.what()});
  }
}

// JavaScript numbers are exact up to 2^53. Sizes and durations here stay below that; nanoseconds of CLOCK_MONOTONIC do
// for 104 days after the machine was started, and are then rounded to 2, later to 4.
inline Napi::Number number(Napi::Env env, uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

inline Napi::Value number_or_null(Napi::Env env, const std::optional<uint64_t>& value) {
  if (!value) return env.Null();
  return number(env, *value);
}

// The caller's values were validated in TypeScript; a wrong type here is a mistake of ours: Error code bad-option.
std::string text(const Napi::Object& object, const char* name);
uint64_t whole(const Napi::Object& object, const char* name);
// The same below 2^32.
uint32_t small(const Napi::Object& object, const char* name);
bool flag(const Napi::Object& object, const char* name);
std::vector<std::string> texts(const Napi::Value& value);
Options options(const Napi::Object& object);
// Of { readyFd, releaseFd }.
Barrier barrier_of(const Napi::Object& spec);
// Of { engine, blockBytes, depth }.
DeviceRecipe recipe_of(const Napi::Object& recipe);
Napi::Value recipe_to_js(Napi::Env env, const DeviceRecipe& recipe);

// Each file of bindings/ adds its functions to the addon's exports.
void export_format(Napi::Env env, Napi::Object exports);
void export_kernel(Napi::Env env, Napi::Object exports);
void export_probes(Napi::Env env, Napi::Object exports);
void export_sample(Napi::Env env, Napi::Object exports);
void export_ceilings(Napi::Env env, Napi::Object exports);
void export_command(Napi::Env env, Napi::Object exports);
void export_limits(Napi::Env env, Napi::Object exports);

}  // namespace weighbridge::bindings
