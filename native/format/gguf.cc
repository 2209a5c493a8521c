#include "gguf.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "header_reader.h"
#include "metadata.h"

namespace weighbridge::gguf {

namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF" read as a little-endian u32
constexpr uint32_t kDefaultAlignment = 32;
constexpr uint64_t kSmallestTensorInfo = 8 + 1 + 4 + 8 + 4 + 8;

// Vocabularies have up to some 260,000 words and as many merges, each of them sizeof(Value) bytes and its text.
HeaderAllowance allowance(const ParseOptions& options) {
  return {.kept_bytes = options.arrays ? uint64_t{256} << 20 : uint64_t{64} << 20};
}

struct Split {
  uint64_t index;                   // split.no, from 0
  uint64_t count;                   // split.count; 1 for a model of one file
  std::optional<uint64_t> tensors;  // split.tensors.count
};

// One file of a model; `tensors` have part 0 until they are joined.
struct File {
  uint32_t version;
  uint32_t alignment;
  Part part;
  std::vector<KeyValue> metadata;
  std::vector<Tensor> tensors;
  Split split;
};

// Offset is still relative to the data section.
Tensor read_tensor_info(HeaderReader& in, uint32_t alignment) {
  const uint64_t start = in.position();
  Tensor tensor{};
  tensor.name = in.read_string("a tensor's name", kLongestName);
  if (tensor.name.empty()) in.fail("malformed", start, "a tensor's name is empty");
  const std::string subject = "tensor " + quoted(tensor.name) + " ";

  const uint64_t dimensions_at = in.position();
  tensor.dimensions = in.read<uint32_t>("a tensor's dimension count");
  if (tensor.dimensions < 1 || tensor.dimensions > 4) {
    in.fail("malformed", dimensions_at,
            subject + "has " + std::to_string(tensor.dimensions) + " dimensions, not 1 to 4");
  }
  tensor.shape.fill(1);
  uint64_t elements = 1;
  for (uint32_t i = 0; i < tensor.dimensions; ++i) {
    const uint64_t at = in.position();
    tensor.shape[i] = in.read<uint64_t>("a tensor's dimension");
    if (tensor.shape[i] == 0) in.fail("malformed", at, subject + "has a dimension of 0");
    const auto product = checked_multiply(elements, tensor.shape[i]);
    if (!product) in.fail("malformed", at, subject + "has more than 2^64 elements");
    elements = *product;
  }

  const uint64_t type_at = in.position();
  tensor.type = static_cast<TensorType>(in.read<uint32_t>("a tensor's type"));
  const TypeTraits* layout = traits(tensor.type);
  if (layout == nullptr) {
    in.fail("unsupported-type", type_at,
            subject + "has the unknown type " + std::to_string(static_cast<uint32_t>(tensor.type)),
            "convert the model to a type that this version knows");
  }
  if (tensor.shape[0] % layout->block_elements != 0) {
    in.fail("malformed", dimensions_at + 4,
            subject + "has rows of " + std::to_string(tensor.shape[0]) + " elements, not a multiple of the " +
                std::to_string(layout->block_elements) + " of a " + layout->name + " block");
  }
  const auto bytes = checked_multiply(elements / layout->block_elements, layout->block_bytes);
  if (!bytes) in.fail("malformed", dimensions_at + 4, subject + "has more than 2^64 bytes");
  tensor.bytes = *bytes;

  const uint64_t offset_at = in.position();
  tensor.offset = in.read<uint64_t>("a tensor's offset");
  if (tensor.offset % alignment != 0) {
    in.fail("malformed", offset_at,
            subject + "begins at " + std::to_string(tensor.offset) + ", not a multiple of the alignment " +
                std::to_string(alignment));
  }
  return tensor;
}

// Turns offsets into those of the file and checks that the tensors lie within it, one after the other with no more than
// padding between them, as ggml asks: loaders that fetch whole extents must not read what others leave out.
void place_tensors(const HeaderReader& in, std::vector<Tensor>& tensors, const std::vector<uint64_t>& infos,
                   uint64_t data_offset, uint32_t alignment) {
  for (Tensor& tensor : tensors) {
    const auto begin = checked_add(tensor.offset, data_offset);
    const auto end = begin ? checked_add(*begin, tensor.bytes) : std::nullopt;
    if (!end || *end > in.size()) {
      in.fail("truncated", in.size(),
              "the file ends at byte " + std::to_string(in.size()) + ", but tensor " + quoted(tensor.name) +
                  (end ? " ends at byte " + std::to_string(*end) : std::string(" ends beyond 2^64")),
              "the file was cut short or is damaged; download or copy it again");
    }
    tensor.offset = *begin;
  }
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return tensors[a].offset != tensors[b].offset ? tensors[a].offset < tensors[b].offset : a < b;
  });
  const auto fail_gap = [&](size_t after, uint64_t bytes) {
    in.fail("malformed", infos[after],
            "tensor " + quoted(tensors[after].name) + " begins " + std::to_string(bytes) +
                " bytes after what lies before it; only padding to the alignment of " + std::to_string(alignment) +
                " may",
            "convert the model again");
  };
  if (!order.empty() && tensors[order[0]].offset != data_offset) {
    fail_gap(order[0], tensors[order[0]].offset - data_offset);
  }
  for (size_t i = 1; i < order.size(); ++i) {
    const Tensor& before = tensors[order[i - 1]];
    const Tensor& after = tensors[order[i]];
    if (after.offset < before.offset + before.bytes) {
      in.fail("malformed", infos[std::max(order[i - 1], order[i])],
              "tensors " + quoted(before.name) + " and " + quoted(after.name) + " overlap");
    }
    const uint64_t gap = after.offset - (before.offset + before.bytes);
    if (gap >= alignment) fail_gap(order[i], gap);
  }
}

uint32_t read_version(HeaderReader& in) {
  const uint32_t magic = in.size() >= 4 ? in.read<uint32_t>("the magic") : 0;
  if (magic == __builtin_bswap32(kMagic)) {
    in.fail("unsupported-version", 0, "the file is big-endian; only little-endian GGUF is read",
            "convert the model to little endian");
  }
  if (magic != kMagic) {
    // "ggml", "ggmf", "ggjt" and "ggla" as the little-endian numbers that older programs wrote.
    const bool older = magic == 0x67676d6c || magic == 0x67676d66 || magic == 0x67676a74 || magic == 0x67676c61;
    in.fail("not-gguf", 0,
            older ? "the file has a format older than GGUF" : "the file is not GGUF: it does not begin with \"GGUF\"",
            "name a GGUF file of version 2 or 3");
  }
  const uint32_t version = in.read<uint32_t>("the version");
  const uint32_t swapped = __builtin_bswap32(version);
  if (swapped >= 1 && swapped <= 0xffff && version > 0xffff) {
    in.fail("unsupported-version", 4, "the file is big-endian; only little-endian GGUF is read",
            "convert the model to little endian");
  }
  if (version != 2 && version != 3) {
    in.fail("unsupported-version", 4, "GGUF version " + std::to_string(version) + "; versions 2 and 3 are read",
            "convert the model to GGUF version 3");
  }
  return version;
}

uint64_t read_count(HeaderReader& in, const char* what, uint64_t smallest) {
  const uint64_t start = in.position();
  const uint64_t count = in.read<uint64_t>(what);
  if (count > in.remaining() / smallest) {
    in.fail("truncated", start,
            std::string(what) + " is " + std::to_string(count) + ", more than the file's remaining " +
                std::to_string(in.remaining()) + " bytes can hold",
            "the file was cut short or is damaged; download or copy it again");
  }
  return count;
}

File read_file(const std::string& path, const ParseOptions& options, HeaderDigest* digest,
               HeaderAllowance& left) {
  HeaderReader in(path, digest, left);
  File file{};
  file.version = read_version(in);
  const uint64_t tensor_count = read_count(in, "the tensor count", kSmallestTensorInfo);
  const uint64_t metadata_count = read_count(in, "the metadata count", kSmallestKeyValue);

  Model keys{};
  const uint64_t metadata_at = in.position();
  keys.metadata = read_metadata(in, metadata_count, options);
  file.alignment = kDefaultAlignment;
  if (const Value* alignment = keys.find("general.alignment")) {
    const uint32_t* number = std::get_if<uint32_t>(alignment);
    // docs/gguf.md asks for a multiple of 8, ggml for a power of two.
    if (number == nullptr || *number < 8 || (*number & (*number - 1)) != 0) {
      in.fail("malformed", metadata_at, "general.alignment is not a u32 power of two of at least 8");
    }
    file.alignment = *number;
  }
  const uint64_t count = keys.find("split.count") != nullptr ? keys.unsigned_value("split.count").value_or(0) : 1;
  const uint64_t index = keys.find("split.no") != nullptr ? keys.unsigned_value("split.no").value_or(count) : 0;
  if (count < 1 || count > 65535 || index >= count) {
    in.fail("malformed", metadata_at, "split.no and split.count do not name a part of a split model");
  }
  file.split = {index, count, keys.unsigned_value("split.tensors.count")};
  file.metadata = std::move(keys.metadata);

  std::vector<uint64_t> infos;
  for (uint64_t i = 0; i < tensor_count; ++i) {
    in.keep(sizeof(Tensor));
    infos.push_back(in.position());
    file.tensors.push_back(read_tensor_info(in, file.alignment));
  }
  const auto name_of = [](const Tensor& tensor) -> const std::string& { return tensor.name; };
  if (const auto twice = first_duplicate(file.tensors, name_of)) {
    in.fail("malformed", infos[*twice], "tensor name " + quoted(file.tensors[*twice].name) + " occurs twice");
  }
  file.part = {path, in.size(), round_up(in.position(), file.alignment)};
  place_tensors(in, file.tensors, infos, file.part.data_offset, file.alignment);
  return file;
}

[[noreturn]] void fail_split(const char* code, const std::string& path, std::string message, std::string remedy) {
  throw Error(Reason{.code = code, .operation = "parse", .path = path, .message = std::move(message),
                     .remedy = std::move(remedy)});
}

// "-00002-of-00003.gguf" for index 1 of 3.
std::string part_suffix(uint64_t index, uint64_t count) {
  char suffix[64];
  std::snprintf(suffix, sizeof suffix, "-%05llu-of-%05llu.gguf", static_cast<unsigned long long>(index + 1),
                static_cast<unsigned long long>(count));
  return suffix;
}

void join(Model& model, File&& file) {
  for (Tensor& tensor : file.tensors) {
    tensor.part = static_cast<uint32_t>(model.parts.size());
    model.tensors.push_back(std::move(tensor));
  }
  model.parts.push_back(std::move(file.part));
}

// `first_read` is the part that `path` names; it is read again only where the digest needs the parts in order.
void join_all_parts(Model& model, const std::string& path, File&& first_read, const ParseOptions& options,
                    HeaderDigest* digest) {
  const Split named = first_read.split;
  const std::string suffix = part_suffix(named.index, named.count);
  if (!path.ends_with(suffix)) {
    fail_split("missing-part", path,
               "this is part " + std::to_string(named.index + 1) + " of " + std::to_string(named.count) +
                   ", but its name does not end in " + suffix + ", so the other parts cannot be found",
               "give the parts the names under which they were published");
  }
  HeaderAllowance left = allowance(options);
  const std::string stem = path.substr(0, path.size() - suffix.size());
  std::optional<uint64_t> tensors;
  for (uint64_t index = 0; index < named.count; ++index) {
    const std::string part_path = stem + part_suffix(index, named.count);
    std::optional<File> file;
    try {
      file = index == named.index && digest == nullptr ? std::move(first_read)
                                                       : read_file(part_path, options, digest, left);
    } catch (const Error& error) {
      if (error.reason().code != "file-missing") throw;
      fail_split("missing-part", part_path,
                 "part " + std::to_string(index + 1) + " of " + std::to_string(named.count) + " is missing",
                 "put all parts of the model into one directory");
    }
    if (file->split.index != index || file->split.count != named.count) {
      fail_split("malformed", part_path,
                 "the file says that it is part " + std::to_string(file->split.index + 1) + " of " +
                     std::to_string(file->split.count) + ", its name says otherwise",
                 "give the parts the names under which they were published");
    }
    if (index == 0) {
      model.version = file->version;
      model.alignment = file->alignment;
      model.metadata = std::move(file->metadata);
      tensors = file->split.tensors;
    }
    join(model, std::move(*file));
  }
  const auto name_of = [](const Tensor& tensor) -> const std::string& { return tensor.name; };
  if (const auto twice = first_duplicate(model.tensors, name_of)) {
    const Tensor& tensor = model.tensors[*twice];
    fail_split("malformed", model.parts[tensor.part].path,
               "tensor name " + quoted(tensor.name) + " occurs in an earlier part too", {});
  }
  if (tensors && *tensors != model.tensors.size()) {
    fail_split("malformed", model.parts.front().path,
               "split.tensors.count is " + std::to_string(*tensors) + ", but the parts hold " +
                   std::to_string(model.tensors.size()) + " tensors",
               "the parts belong to different models; download them again");
  }
}

}  // namespace

Model parse(const std::string& path, const ParseOptions& options) {
  HeaderDigest digest;
  HeaderAllowance left = allowance(options);
  File named = read_file(path, options, options.digest ? &digest : nullptr, left);
  Model model{};
  if (named.split.count > 1) {
    digest = HeaderDigest();
    join_all_parts(model, path, std::move(named), options, options.digest ? &digest : nullptr);
  } else {
    model.version = named.version;
    model.alignment = named.alignment;
    model.metadata = std::move(named.metadata);
    join(model, std::move(named));
  }
  if (options.digest) model.header_digest = digest.hexadecimal();
  return model;
}

}  // namespace weighbridge::gguf
