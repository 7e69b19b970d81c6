// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/shared_statement_key.h"

#include <utility>

#include "hub/signing/base/algorithm.h"
#include "hub/signing/statements/statement.h"
#include "hub/text/encoding.h"
#include "platform/files/file.h"
#include "registry/firmware/statements.h"
#include "registry/operations/rows.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using Key = firmware::StatementKey::Key;

constexpr const char* kSetting = "statement key";
constexpr std::string_view kFile = "file ";  // and a digest of the public half

std::string file_setting(const Key& key) {
  const auto half = signing::statement_public_key(key.get());
  const auto digest = signing::digest_of(signing::Hash::kSha256, ByteView(half));
  return std::string(kFile) + text::hex(ByteView(digest));
}

tl::unexpected<registry::Refusal> elsewhere() {
  return refuse(Reason::kPreconditionFailed,
                "the statement key is a file of another node: copy firmware/statement.key of its data folder into this "
                "node's, and start it again");
}

}  // namespace

SharedStatementKey::SharedStatementKey(registry::Registry& registry, KeyProviders& keys,
                                       const std::filesystem::path& folder, Agree agree)
    : registry_(registry), keys_(keys), folder_(folder), agree_(std::move(agree)), file_(folder) {}

Outcome<Nothing> SharedStatementKey::settle() {
  if (!agree_) return Nothing{};
  LATCHKEY_TRY(known, registry_.setting(kSetting));
  if (known) return Nothing{};
  const auto key = file_.load();
  if (!key || !*key) return Nothing{};  // a damaged one is told to whoever needs it
  LATCHKEY_TRY(agreed, agree_(kSetting, file_setting(*key)));
  static_cast<void>(agreed);
  return Nothing{};
}

Outcome<Key> SharedStatementKey::load() {
  LATCHKEY_TRY(named, registry_.setting(kSetting));
  if (!named) return file_.load();
  if (!named->starts_with(kFile)) {
    LATCHKEY_TRY(provider, keys_.shared());
    return provider->load(*named);
  }
  LATCHKEY_TRY(key, file_.load());
  if (!key) return elsewhere();
  if (file_setting(key) != *named) return elsewhere();
  return key;
}

Outcome<Key> SharedStatementKey::make() {
  if (agree_) {
    registry::firmware::StatementRows statements(registry::rows_of(registry_));
    for (const auto kind :
         {registry::firmware::StatementKind::kPins, registry::firmware::StatementKind::kRevocations}) {
      LATCHKEY_TRY(newest, statements.newest(kind));
      if (newest) return elsewhere();
    }
  }
  return keys_.in_files() ? make_file() : make_shared();
}

Outcome<Key> SharedStatementKey::make_file() {
  LATCHKEY_TRY(key, file_.make());
  if (!agree_) return key;
  const auto ours = file_setting(key);
  LATCHKEY_TRY(agreed, agree_(kSetting, ours));
  if (agreed == ours) return key;
  (void)files::remove_file(folder_ / "statement.key");
  return elsewhere();
}

// Of two nodes that make one at the same time the first to be named counts, and the other's key goes.
Outcome<Key> SharedStatementKey::make_shared() {
  LATCHKEY_TRY(provider, keys_.shared());
  LATCHKEY_TRY(made, provider->generate(ca::KeyAlgorithm::kEcP256));
  if (!agree_) {
    LATCHKEY_TRY_VOID(registry_.set_setting(kSetting, made.key_ref));
    return made.key;
  }
  LATCHKEY_TRY(agreed, agree_(kSetting, made.key_ref));
  if (agreed == made.key_ref) return made.key;
  LATCHKEY_TRY_VOID(provider->destroy(made.key_ref));
  return load();
}

}  // namespace latchkey::hub::app
