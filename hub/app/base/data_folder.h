// SPDX-License-Identifier: Apache-2.0
// The folder in which a hub lives: who it is, and where its files lie. One hub process at a time holds it.
//
//   folder.json          nonce, id scope, rehearsal or not, kind of store       0600
//   registry.db          everything that must survive, unless on PostgreSQL     0600
//   keys/, signing-keys/ private keys, with --keys files (docs/keys.md)         0700
//   tls/                 throw-away server CA (server-ca.pem is public) and server certificates
//   crl/                 the last CRL of every CA                               public
//   run/                 management socket                                      0700
//   brokers/{dps,hub}.*  configuration, note of the process, log (ours: a broker can only add to its log)
//   brokers/{dps,hub}/   what each broker reads and makes under its own user: plugin, server key, socket
//   brokers/hub-XXXXXXXX*, tls/hub-XXXXXXXX.*   the same of further hubs, by the start of their uuids
//   brokers/hub-1*, brokers/hub-2*, ..., brokers/front*   of several brokers of the first hub, and of HAProxy before
//   them clock.json, faults.json, snapshots/, admin.secret   of a rehearsal (hub/rehearsal) enrollment-group.key the
//   first enrollment group's key                       0600
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "registry/model/refusal.h"

namespace latchkey::hub::app {

class DataFolder {
 public:
  // Opens the folder, makes it on first use, and holds it until destruction.
  // kInvalidArgument: it belongs to somebody else or holds something else (then nothing in it is touched), the brokers'
  // user cannot reach it, its path is too long for a Unix socket, or `rehearsal` is asked of a folder that was made
  // without. kOperationInProgress: another hub holds it.
  static registry::Outcome<DataFolder> open(const std::filesystem::path& path, bool rehearsal);
  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder();

  const std::filesystem::path& path() const { return path_; }
  const std::string& nonce() const { return nonce_; }
  const std::string& id_scope() const { return id_scope_; }
  // That of the registry, where several folders share one.
  void set_id_scope(std::string scope) { id_scope_ = std::move(scope); }
  bool rehearsal() const { return rehearsal_; }

  std::filesystem::path database() const { return path_ / "registry.db"; }
  // Where the registry is to be: `url` of PostgreSQL, or registry.db when it is empty. kInvalidArgument when the folder
  // is known to have its registry in the other place: there it would be begun anew, and the CA keys of the old one go.
  registry::Outcome<std::string> store(const std::string& url) const;
  // The registry was opened, or copied, there; `id` is its own. Noted for the next start. kInvalidArgument: the folder
  // has the keys of another registry.
  registry::Outcome<registry::Nothing> note_store(const std::string& url, const std::string& id);
  std::filesystem::path keys() const { return path_ / "keys"; }
  std::filesystem::path tls() const { return path_ / "tls"; }
  std::filesystem::path crl() const { return path_ / "crl"; }
  std::filesystem::path management_socket() const { return path_ / "run" / "management.sock"; }
  std::filesystem::path enrollment_key() const { return path_ / "enrollment-group.key"; }
  std::filesystem::path brokers() const { return path_ / "brokers"; }

  // The user that brokers run under: another one when the hub was started as root.
  const std::string& broker_user() const { return broker_user_; }
  uid_t broker_uid() const { return broker_uid_; }

 private:
  DataFolder() = default;
  registry::Outcome<registry::Nothing> check_ours() const;
  registry::Outcome<registry::Nothing> check_reach() const;
  registry::Outcome<registry::Nothing> hold();
  registry::Outcome<registry::Nothing> load_or_make(bool rehearsal);
  registry::Outcome<registry::Nothing> write_description() const;

  std::filesystem::path path_;
  std::string nonce_;
  std::string id_scope_;
  bool rehearsal_ = false;
  std::string broker_user_;
  uid_t broker_uid_ = uid_t(-1);
  int lock_ = -1;
  bool on_postgres_ = false;
  std::string registry_;  // its id, of a registry on PostgreSQL; else empty
};

}  // namespace latchkey::hub::app
