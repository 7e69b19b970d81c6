// SPDX-License-Identifier: Apache-2.0
// One PKCS#11 token: the module, sessions on it, and the four things that are done there: make a key pair, find it,
// sign, destroy (OASIS PKCS#11 2.40). Asked directly, without OpenSSL's engine for it: that one cannot make EC keys,
// and Debian 12 has no provider for OpenSSL 3.
//
// A key is a private and a public object of one CKA_ID (16 octets). Private ones are made sensitive, not extractable
// and for signatures alone.
//
// Threads: all functions may be called from any thread; as many signatures run at once as there are sessions. The login
// is the process's: two tokens of one slot share it. After fork() without exec() nothing here works any more.
#pragma once

#include <p11-kit/pkcs11.h>

#include <array>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "hub/ca/key_provider.h"
#include "hub/ca/pkcs11_uri.h"

namespace latchkey::hub::ca::internal {

class Pkcs11Token {
 public:
  using Id = std::array<std::uint8_t, 16>;
  struct Listed {
    std::string label;
    bool has_private = false;
    bool has_public = false;
  };
  // Logs in. kPreconditionFailed: no such module, not exactly one such token, a PIN that it does not take (which is
  // tried once: tokens lock themselves). As read_secret_file of the PIN.
  static registry::Outcome<std::shared_ptr<Pkcs11Token>> open(const Pkcs11Uri& uri);
  ~Pkcs11Token();
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;

  // On the token when it returns. kNotSupported: it makes no such keys, or would make them extractable. kStorage.
  registry::Outcome<void> generate(KeyAlgorithm algorithm, const Id& id, const std::string& label);
  // The public half, as OpenSSL's key, without anything that signs. kNotFound unless both objects are there.
  registry::Outcome<openssl::PkeyPtr> public_key(const Id& id);
  // CKM_ECDSA, CKM_RSA_PKCS, CKM_RSA_X_509. kNotFound, kStorage.
  registry::Outcome<registry::Bytes> sign(const Id& id, CK_MECHANISM_TYPE mechanism, ByteView data);
  // The private object first. None there is success.
  registry::Outcome<void> destroy(const Id& id);
  // Everything whose label begins like that, and be it one half of a pair.
  registry::Outcome<std::map<Id, Listed>> list(const std::string& label_prefix);

  const std::string& label() const { return label_; }

 private:
  using Session = CK_SESSION_HANDLE;
  using Act = std::function<CK_RV(Session)>;
  Pkcs11Token() = default;
  registry::Outcome<void> load(const std::filesystem::path& module);
  registry::Outcome<void> choose_slot(const Pkcs11Uri& uri);
  CK_RV open_session(Session& session);
  registry::Outcome<void> log_in(Session session);
  // A session to itself for as long as it takes. One that the token has forgotten (it was pulled, or restarted) is
  // opened anew, with a new login, and the act tried once more.
  CK_RV with_session(const Act& act);
  CK_RV find(Session session, std::vector<CK_ATTRIBUTE> wanted, std::vector<CK_OBJECT_HANDLE>& found);
  CK_RV find_one(Session session, CK_OBJECT_CLASS kind, const Id& id, CK_OBJECT_HANDLE& found);
  // The private object. To find it costs as much as the token has objects, so it is remembered; `anew` asks the token.
  CK_RV private_handle(Session session, const Id& id, bool anew, CK_OBJECT_HANDLE& key);
  CK_RV sign_with(Session session, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism, ByteView data,
                  registry::Bytes& signature);
  CK_RV read(Session session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, registry::Bytes& value);
  CK_RV is_closed(Session session, CK_OBJECT_HANDLE key, bool& closed);

  CK_FUNCTION_LIST_PTR module_ = nullptr;
  bool initialized_ = false;  // by us
  CK_SLOT_ID slot_ = 0;
  std::string label_;
  std::filesystem::path pin_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Session> free_;  // guarded by mutex_
  std::size_t opened_ = 0;     // guarded by mutex_
  std::mutex handles_mutex_;
  std::map<Id, CK_OBJECT_HANDLE> handles_;  // guarded by handles_mutex_
};

}  // namespace latchkey::hub::ca::internal
