#include "convert.h"

#include <cmath>
#include <cstring>

namespace weighbridge::bindings {

namespace {

[[noreturn]] void bad_option(const std::string& name, const char* wanted) {
  throw Error(Reason{.code = "bad-option", .operation = "arguments", .message = name + " must be " + wanted});
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
  const char* name = reason.error_number != 0 ? ::strerrorname_np(reason.error_number) : nullptr;
  target.Set("errno", name != nullptr ? Napi::Value(Napi::String::New(env, name)) : env.Null());
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
