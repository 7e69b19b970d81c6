// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/key_providers.h"

#include <algorithm>
#include <set>

#include "hub/ca/file_key_provider.h"
#include "hub/ca/sealed_folder.h"
#include "hub/ca/sealed_table.h"
#include "platform/files/folder.h"
#include "platform/posix/clock.h"
#include "registry/operations/rows.h"

namespace latchkey::hub::app {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr const char* kCas = "ca";
constexpr const char* kSigning = "signing";
constexpr const char* kShared = "server";  // as it was for the server CA alone

// The tenant's uuid, without hyphens: of all that a registry holds, the one thing that no other has and that stays.
Outcome<std::string> registry_id(registry::Registry& registry) {
  LATCHKEY_TRY(tenant, registry.setting(std::string(registry::kTenantSetting)));
  std::string id = tenant.value_or("");
  std::erase(id, '-');
  if (id.size() != 32) return refuse(Reason::kStorage, "the registry has no tenant id");
  return id;
}

}  // namespace

KeyProviders::~KeyProviders() = default;

Outcome<std::unique_ptr<KeyProviders>> KeyProviders::open(const KeysOption& option, const DataFolder& folder,
                                                          registry::Registry& registry) {
  std::unique_ptr<KeyProviders> opened(new KeyProviders(option, folder, registry));
  LATCHKEY_TRY(id, registry_id(registry));
  opened->registry_id_ = std::move(id);
  if (option.kind == KeysOption::Kind::kSealed) LATCHKEY_TRY_VOID(opened->open_store());
  if (option.kind == KeysOption::Kind::kPkcs11) {
    LATCHKEY_TRY(uri, ca::parse_pkcs11_uri(option.token));
    LATCHKEY_TRY(token, ca::open_token(uri));
    opened->token_ = std::move(token);
  }
  LATCHKEY_TRY(cas, opened->make(kCas, folder.keys()));
  opened->cas_ = std::move(cas);
  return opened;
}

// A folder below the one that was given, so that registries can share that.
Outcome<Nothing> KeyProviders::open_store() {
  LATCHKEY_TRY(keys, ca::read_node_keys(option_.node_keys));
  node_keys_ = std::move(keys);
  if (option_.folder.empty()) {
    store_ = std::make_unique<ca::SealedTable>(registry_);
    return Nothing{};
  }
  LATCHKEY_TRY(outer, ca::SealedFolder::open(option_.folder));
  LATCHKEY_TRY(inner, ca::SealedFolder::open(option_.folder / registry_id_));
  store_ = std::move(inner);
  return Nothing{};
}

Outcome<std::unique_ptr<ca::KeyProvider>> KeyProviders::make(const std::string& purpose,
                                                             const std::filesystem::path& folder) {
  switch (option_.kind) {
    case KeysOption::Kind::kSealed: {
      ca::SealedKeyProvider::Options options;
      options.purpose = purpose;
      options.now = [] { return posix::PosixClock().now(); };
      return std::make_unique<ca::SealedKeyProvider>(*store_, node_keys_, std::move(options));
    }
    case KeysOption::Kind::kPkcs11: {
      ca::Pkcs11KeyProvider::Options options;
      options.purpose = purpose;
      options.registry = registry_id_;
      options.now = [] { return posix::PosixClock().now(); };
      return std::make_unique<ca::Pkcs11KeyProvider>(token_, std::move(options));
    }
    case KeysOption::Kind::kFiles: break;
  }
  return ca::FileKeyProvider::open(folder);
}

Outcome<ca::KeyProvider*> KeyProviders::made_once(std::unique_ptr<ca::KeyProvider>& provider,
                                                  const std::string& purpose) {
  const std::scoped_lock lock(mutex_);
  if (!provider) {
    LATCHKEY_TRY(made, make(purpose, signing_folder()));
    provider = std::move(made);
  }
  return provider.get();
}

Outcome<ca::KeyProvider*> KeyProviders::signing() { return made_once(signing_, kSigning); }

Outcome<ca::KeyProvider*> KeyProviders::shared() {
  if (in_files()) return refuse(Reason::kNotSupported, "nodes do not share files of a data folder");
  return made_once(shared_, kShared);
}

Outcome<Nothing> KeyProviders::check_cas() {
  LATCHKEY_TRY(cas, registry_.list_cas());
  std::set<std::string> named;
  for (const auto& ca : cas) {
    if (!ca.key_ref.empty()) named.insert(ca.key_ref);
  }
  LATCHKEY_TRY_VOID(cas_->check(named));
  return Nothing{};
}

std::string KeyProviders::told() const { return cas_->told(); }

Outcome<KeyProviders::Resealed> KeyProviders::rotate() {
  if (option_.kind != KeysOption::Kind::kSealed) {
    return refuse(Reason::kNotSupported,
                  "only --keys sealed:NEW,OLD has a node key to rotate; this node's keys are " + told());
  }
  LATCHKEY_TRY(signing, signing());
  LATCHKEY_TRY(others, shared());
  Resealed all;
  for (ca::KeyProvider* const provider : {cas_.get(), signing, others}) {
    LATCHKEY_TRY(done, static_cast<ca::SealedKeyProvider*>(provider)->reseal());
    all.anew += done.anew;
    all.already += done.already;
  }
  all.node_key = ca::to_text(node_keys_.front()->id());
  return all;
}

}  // namespace latchkey::hub::app
