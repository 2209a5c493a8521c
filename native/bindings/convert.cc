#include "convert.h"

#include <cerrno>
#include <cmath>

namespace weighbridge::bindings {

namespace {

[[noreturn]] void bad_option(const std::string& name, const char* wanted) {
  throw Error(Reason{.code = "bad-option", .operation = "arguments", .message = name + " must be " + wanted});
}

struct ErrorName {
  int number;
  const char* name;
};

// What files, memory, threads and processes may give. strerrorname_np(3) would know all, but is glibc's alone.
constexpr ErrorName error_names[] = {
    {EPERM, "EPERM"}, {ENOENT, "ENOENT"}, {EINTR, "EINTR"}, {EIO, "EIO"}, {ENXIO, "ENXIO"}, {E2BIG, "E2BIG"},
    {EBADF, "EBADF"}, {ECHILD, "ECHILD"}, {EAGAIN, "EAGAIN"}, {ENOMEM, "ENOMEM"}, {EACCES, "EACCES"},
    {EFAULT, "EFAULT"}, {EBUSY, "EBUSY"}, {EEXIST, "EEXIST"}, {EXDEV, "EXDEV"}, {ENODEV, "ENODEV"},
    {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"}, {EINVAL, "EINVAL"}, {ENFILE, "ENFILE"}, {EMFILE, "EMFILE"},
    {ENOTTY, "ENOTTY"}, {ETXTBSY, "ETXTBSY"}, {EFBIG, "EFBIG"}, {ENOSPC, "ENOSPC"}, {ESPIPE, "ESPIPE"},
    {EROFS, "EROFS"}, {EMLINK, "EMLINK"}, {EPIPE, "EPIPE"}, {EDOM, "EDOM"}, {ERANGE, "ERANGE"}, {EDEADLK, "EDEADLK"},
    {ENAMETOOLONG, "ENAMETOOLONG"}, {ENOSYS, "ENOSYS"}, {ENOTEMPTY, "ENOTEMPTY"}, {ELOOP, "ELOOP"},
    {ENODATA, "ENODATA"}, {ETIME, "ETIME"}, {EPROTO, "EPROTO"}, {EBADMSG, "EBADMSG"}, {EOVERFLOW, "EOVERFLOW"},
    {EOPNOTSUPP, "EOPNOTSUPP"}, {ETIMEDOUT, "ETIMEDOUT"}, {EALREADY, "EALREADY"}, {EINPROGRESS, "EINPROGRESS"},
    {ESTALE, "ESTALE"}, {EDQUOT, "EDQUOT"}, {ECANCELED, "ECANCELED"}, {EREMOTEIO, "EREMOTEIO"}, {EUCLEAN, "EUCLEAN"},
    {ENOMEDIUM, "ENOMEDIUM"}, {EHWPOISON, "EHWPOISON"}, {ENOBUFS, "ENOBUFS"}, {ESRCH, "ESRCH"}, {ENOLINK, "ENOLINK"},
    {ENOLCK, "ENOLCK"}, {EUSERS, "EUSERS"},
};

std::string error_name(int number) {
  for (const ErrorName& known : error_names) {
    if (known.number == number) return known.name;
  }
  return "errno " + std::to_string(number);
}

Napi::Value text_or_null(Napi::Env env, const std::string& text) {
  if (text.empty()) return env.Null();
  return Napi::String::New(env, text);
}

void set_properties(Napi::Object target, const Reason& reason) {
  const Napi::Env env = target.Env();
  target.Set("code", reason.code);
  target.Set("operation", reason.operation);
  target.Set("path", text_or_null(env, reason.path));
  target.Set("errno", text_or_null(env, reason.error_number != 0 ? error_name(reason.error_number) : ""));
  target.Set("message", reason.message);
  target.Set("remedy", text_or_null(env, reason.remedy));
  target.Set("offset", reason.offset ? Napi::Value(number(env, *reason.offset)) : env.Null());
}

}  // namespace

Napi::Object to_js(Napi::Env env, const Reason& reason) {
  Napi::Object object = Napi::Object::New(env);
  set_properties(object, reason);
  return object;
}

Napi::Error to_js_error(Napi::Env env, const Reason& reason) {
  Napi::Error error = Napi::Error::New(env, reason.message);
  set_properties(error.Value(), reason);
  return error;
}

std::string text(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) bad_option(name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

uint64_t whole(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) bad_option(name, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= 9007199254740991.0) || std::floor(number) != number) {
    bad_option(name, "a whole number, 0 or more");
  }
  return static_cast<uint64_t>(number);
}

uint32_t small(const Napi::Object& object, const char* name) {
  const uint64_t value = whole(object, name);
  if (value > UINT32_MAX) {
    throw Error(Reason{.code = "bad-option", .operation = "arguments", .message = std::string(name) + " is too large"});
  }
  return static_cast<uint32_t>(value);
}

Barrier barrier_of(const Napi::Object& spec) {
  return {.ready_fd = static_cast<int>(small(spec, "readyFd")), .release_fd = static_cast<int>(small(spec, "releaseFd"))};
}

DeviceRecipe recipe_of(const Napi::Object& recipe) {
  return {.engine = text(recipe, "engine") == "io_uring" ? DeviceEngine::io_uring : DeviceEngine::threads,
          .block_bytes = whole(recipe, "blockBytes"),
          .depth = small(recipe, "depth")};
}

Napi::Value recipe_to_js(Napi::Env env, const DeviceRecipe& recipe) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("engine", recipe.engine == DeviceEngine::io_uring ? "io_uring" : "threads");
  object.Set("blockBytes", number(env, recipe.block_bytes));
  object.Set("depth", number(env, recipe.depth));
  return object;
}

bool flag(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsBoolean()) bad_option(name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

std::vector<std::string> texts(const Napi::Value& value) {
  if (!value.IsArray()) bad_option("argument", "an array of strings");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> result;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    const Napi::Value element = array.Get(i);
    if (!element.IsString()) bad_option("argument", "an array of strings");
    result.push_back(element.As<Napi::String>().Utf8Value());
  }
  return result;
}

Options options(const Napi::Object& object) {
  std::map<std::string, Options::Value> values;
  const Napi::Array names = object.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const Napi::HandleScope scope(object.Env());
    const std::string name = names.Get(i).As<Napi::String>().Utf8Value();
    const Napi::Value value = object.Get(name);
    if (value.IsBoolean()) {
      values.emplace(name, value.As<Napi::Boolean>().Value());
    } else if (value.IsNumber()) {
      values.emplace(name, static_cast<int64_t>(whole(object, name.c_str())));
    } else if (value.IsString()) {
      values.emplace(name, value.As<Napi::String>().Utf8Value());
    } else if (value.IsArray()) {
      values.emplace(name, texts(value));
    } else {
      bad_option(name, "a boolean, number, string or array of strings");
    }
  }
  return Options(std::move(values));
}

}  // namespace weighbridge::bindings
