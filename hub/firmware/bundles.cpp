// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/bundles.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "hub/text/encoding.h"
#include "platform/files/folder.h"

namespace latchkey::hub::firmware {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr std::string_view kEnding = ".bundle";

tl::unexpected<registry::Refusal> cannot(const char* what, const std::filesystem::path& file) {
  return refuse(Reason::kStorage, std::string("cannot ") + what + " " + file.filename().string());
}

std::string text_of(const agent::Version& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.patch);
}

}  // namespace

Outcome<BundleFacts> facts_of(ByteView bundle) {
  auto read = signing::read_whole_bundle(bundle);
  if (!read) return refuse(Reason::kInvalidArgument, "the bundle cannot be read: " + read.error().detail);
  const auto& evidence = read->evidence;
  if (!evidence.content_matches) {
    return refuse(Reason::kInvalidArgument, "the bundle's image is not the one that its manifest describes");
  }
  if (!signing::verify_digest(X509_get0_pubkey(evidence.signer.get()), evidence.algorithm, evidence.digest,
                              evidence.signature)) {
    return refuse(Reason::kInvalidArgument, "the bundle's signature is not one by its certificate's key");
  }
  BundleFacts facts;
  facts.id = signing::digest_of(signing::Hash::kSha256, bundle);
  facts.size = bundle.size();
  facts.board = read->manifest.board;
  facts.version = text_of(read->manifest.version);
  facts.image = read->manifest.sha256;
  return facts;
}

Outcome<Bundles> Bundles::open(std::filesystem::path folder, registry::firmware::BundleRows* shared) {
  const auto made = files::make_secret_folder(folder);
  if (!made && made.error() == Status::kRefused) {
    return refuse(Reason::kUnauthorized, folder.string() + " is open to others than its owner");
  }
  if (!made) return cannot("make", folder);
  return Bundles(std::move(folder), shared);
}

std::filesystem::path Bundles::file_of(const Bytes& id) const {
  return folder_ / (text::hex(ByteView(id)) + std::string(kEnding));
}

bool Bundles::has(const Bytes& id) const {
  std::error_code ignored;
  return std::filesystem::exists(file_of(id), ignored);
}

Outcome<Nothing> Bundles::fetch(const Bytes& id) const {
  const std::lock_guard lock(*fetching_);
  if (has(id)) return Nothing{};
  if (shared_ == nullptr) return refuse(Reason::kNotFound, "there is no such bundle");
  LATCHKEY_TRY(content, shared_->read(id));
  if (signing::digest_of(signing::Hash::kSha256, ByteView(content)) != id) {
    return refuse(Reason::kStorage, "the registry's bundle " + text::hex(ByteView(id)) + " is damaged");
  }
  return keep(id, ByteView(content));
}

Outcome<Nothing> Bundles::keep(const Bytes& id, ByteView bundle) const {
  const auto file = file_of(id);
  if (has(id)) return Nothing{};  // written whole, and named by what is in it
  if (!files::replace_file(file, bundle)) return cannot("write", file);
  return Nothing{};
}

Outcome<Bytes> Bundles::read(const Bytes& id, std::uint64_t at, std::size_t length) const {
  const auto file = file_of(id);
  if (shared_ != nullptr && !has(id)) LATCHKEY_TRY_VOID(fetch(id));
  const files::Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!opened && errno == ENOENT) return refuse(Reason::kNotFound, "there is no such bundle");
  struct stat info {};
  if (!opened || ::fstat(opened.get(), &info) != 0) return cannot("read", file);
  if (at >= static_cast<std::uint64_t>(info.st_size)) return refuse(Reason::kInvalidArgument, "the bundle ends there");
  Bytes piece(length);
  std::size_t done = 0;
  while (done < length) {
    const auto count = ::pread(opened.get(), piece.data() + done, length - done, static_cast<off_t>(at + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot("read", file);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  piece.resize(done);
  return piece;
}

Outcome<Nothing> Bundles::remove_others(const std::set<Bytes>& wanted) const {
  std::set<std::filesystem::path> stay;
  for (const auto& id : wanted) stay.insert(file_of(id));
  std::error_code failed;
  std::vector<std::filesystem::path> go;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, failed)) {
    if (entry.path().extension() == kEnding && stay.count(entry.path()) == 0) go.push_back(entry.path());
  }
  if (failed) return cannot("look into", folder_);
  for (const auto& file : go) {
    if (!files::remove_file(file)) return cannot("remove", file);
  }
  return Nothing{};
}

}  // namespace latchkey::hub::firmware
