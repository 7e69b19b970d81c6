// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED  // EC_KEY and RSA: what token_key.cpp hangs its methods on
#include "hub/ca/internal/pkcs11_token.h"

#include <dlfcn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <optional>

#include "hub/ca/secret_file.h"

namespace latchkey::hub::ca::internal {

using registry::Bytes;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::size_t kSessions = 8;
constexpr std::size_t kPinMax = 256;
constexpr CK_ULONG kFindAtOnce = 64;
constexpr CK_ULONG kRsaBits = 3072;

CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
  return {type, const_cast<void*>(value), static_cast<CK_ULONG>(size)};  // modules only read it
}
template <class T>
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const T& value) {
  return attribute(type, &value, sizeof value);
}

std::string code_text(CK_RV code) {
  switch (code) {
    case CKR_PIN_INCORRECT: return "the PIN is not the token's";
    case CKR_PIN_LOCKED: return "the PIN is locked after wrong ones";
    case CKR_PIN_EXPIRED: return "the PIN has expired";
    case CKR_USER_PIN_NOT_INITIALIZED: return "the token has no user PIN yet";
    case CKR_TOKEN_NOT_PRESENT: return "the token is not present";
    case CKR_DEVICE_REMOVED: return "the token was removed";
    case CKR_DEVICE_MEMORY: return "the token is full";
    case CKR_DEVICE_ERROR: return "the token reports an error";
    case CKR_MECHANISM_INVALID: return "the token has no such mechanism";
    default: break;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "PKCS#11 error 0x%lx", code);
  return text.data();
}

tl::unexpected<registry::Refusal> refuse_code(const std::string& doing, CK_RV code) {
  return refuse(Reason::kStorage, doing + ": " + code_text(code));
}

// Of fixed size, padded with blanks.
template <std::size_t N>
std::string padded(const CK_UTF8CHAR (&text)[N]) {
  std::string value(reinterpret_cast<const char*>(text), N);
  value.erase(value.find_last_not_of(' ') + 1);
  return value;
}

bool is_wanted(const CK_TOKEN_INFO& info, const Pkcs11Uri& uri) {
  const auto same = [](const std::optional<std::string>& wanted, const std::string& is) {
    return !wanted || *wanted == is;
  };
  return (info.flags & CKF_TOKEN_INITIALIZED) != 0 && same(uri.token, padded(info.label)) &&
         same(uri.manufacturer, padded(info.manufacturerID)) && same(uri.model, padded(info.model)) &&
         same(uri.serial, std::string(padded(info.serialNumber)));
}

// The session, or the login behind it, is gone; the token may be back.
bool is_lost(CK_RV code) {
  return code == CKR_SESSION_HANDLE_INVALID || code == CKR_SESSION_CLOSED || code == CKR_USER_NOT_LOGGED_IN ||
         code == CKR_DEVICE_REMOVED || code == CKR_TOKEN_NOT_PRESENT;
}

int curve_of(KeyAlgorithm algorithm) {
  switch (algorithm) {
    case KeyAlgorithm::kEcP256: return NID_X9_62_prime256v1;
    case KeyAlgorithm::kEcP384: return NID_secp384r1;
    case KeyAlgorithm::kEcP521: return NID_secp521r1;
    case KeyAlgorithm::kEcSecp256k1: return NID_secp256k1;
    case KeyAlgorithm::kRsa3072: break;
  }
  return NID_undef;
}

// `params`: the curve's OID in DER; `point`: an OCTET STRING in DER, or bare as some tokens have it.
openssl::PkeyPtr ec_key(const Bytes& params, const Bytes& point) {
  const std::uint8_t* at = params.data();
  const openssl::Asn1ObjectPtr oid(d2i_ASN1_OBJECT(nullptr, &at, static_cast<long>(params.size())));
  const openssl::Owner<EC_KEY, EC_KEY_free> key(oid ? EC_KEY_new_by_curve_name(OBJ_obj2nid(oid.get())) : nullptr);
  if (!key) return nullptr;
  at = point.data();
  const openssl::Asn1OctetStringPtr wrapped(d2i_ASN1_OCTET_STRING(nullptr, &at, static_cast<long>(point.size())));
  const bool is_wrapped = wrapped && at == point.data() + point.size();
  const ByteView bare = is_wrapped ? ByteView(ASN1_STRING_get0_data(wrapped.get()),
                                              static_cast<std::size_t>(ASN1_STRING_length(wrapped.get())))
                                   : ByteView(point);
  if (EC_KEY_oct2key(key.get(), bare.data(), bare.size(), nullptr) != 1) return nullptr;
  openssl::PkeyPtr pkey(EVP_PKEY_new());
  return pkey && EVP_PKEY_set1_EC_KEY(pkey.get(), key.get()) == 1 ? std::move(pkey) : nullptr;
}

openssl::PkeyPtr rsa_key(const Bytes& modulus, const Bytes& exponent) {
  openssl::BignumPtr n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  openssl::BignumPtr e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  const openssl::Owner<RSA, RSA_free> key(RSA_new());
  if (!n || !e || !key || RSA_set0_key(key.get(), n.get(), e.get(), nullptr) != 1) return nullptr;
  static_cast<void>(n.release());  // the key's now
  static_cast<void>(e.release());
  openssl::PkeyPtr pkey(EVP_PKEY_new());
  return pkey && EVP_PKEY_set1_RSA(pkey.get(), key.get()) == 1 ? std::move(pkey) : nullptr;
}

}  // namespace

// --- the module and its token

Outcome<std::shared_ptr<Pkcs11Token>> Pkcs11Token::open(const Pkcs11Uri& uri) {
  std::shared_ptr<Pkcs11Token> token(new Pkcs11Token());
  LATCHKEY_TRY_VOID(token->load(uri.module));
  LATCHKEY_TRY_VOID(token->choose_slot(uri));
  token->pin_ = uri.pin;
  Session session = 0;
  if (const CK_RV code = token->open_session(session); code != CKR_OK) {
    return refuse(Reason::kPreconditionFailed, "PKCS#11 token '" + token->label_ + "': " + code_text(code));
  }
  token->free_.push_back(session);
  token->opened_ = 1;
  LATCHKEY_TRY_VOID(token->log_in(session));
  return token;
}

// The library stays loaded: modules leave threads and exit handlers behind.
Outcome<void> Pkcs11Token::load(const std::filesystem::path& module) {
  void* const library = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return refuse(Reason::kPreconditionFailed, "the PKCS#11 module cannot be loaded: " + std::string(::dlerror()));
  }
  const auto functions = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  if (functions == nullptr || functions(&module_) != CKR_OK || module_ == nullptr) {
    return refuse(Reason::kPreconditionFailed, module.string() + " is not a PKCS#11 module");
  }
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV code = module_->C_Initialize(&arguments);
  initialized_ = code == CKR_OK;
  if (code == CKR_OK || code == CKR_CRYPTOKI_ALREADY_INITIALIZED) return {};
  return refuse(Reason::kPreconditionFailed, "the PKCS#11 module does not start: " + code_text(code));
}

Outcome<void> Pkcs11Token::choose_slot(const Pkcs11Uri& uri) {
  CK_ULONG count = 0;
  std::vector<CK_SLOT_ID> slots;
  CK_RV code = module_->C_GetSlotList(CK_TRUE, nullptr, &count);
  if (code == CKR_OK) {
    slots.resize(count);
    code = module_->C_GetSlotList(CK_TRUE, slots.data(), &count);
  }
  if (code != CKR_OK) return refuse(Reason::kPreconditionFailed, "PKCS#11 slots: " + code_text(code));
  slots.resize(count);
  std::size_t fitting = 0;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    if (uri.slot && *uri.slot != slot) continue;
    if (module_->C_GetTokenInfo(slot, &info) != CKR_OK || !is_wanted(info, uri)) continue;
    ++fitting;
    slot_ = slot;
    label_ = padded(info.label);
  }
  if (fitting == 1) return {};
  return refuse(Reason::kPreconditionFailed,
                fitting == 0 ? "the PKCS#11 module has no such token: " + uri.token.value_or("as the URI names it") +
                                   "; nothing is made in its place"
                             : "several PKCS#11 tokens are meant by that URI: say which, by serial or slot-id");
}

CK_RV Pkcs11Token::open_session(Session& session) {
  return module_->C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session);
}

// The PIN is read each time and wiped at once.
Outcome<void> Pkcs11Token::log_in(Session session) {
  LATCHKEY_TRY(pin, read_secret_file(pin_, "the PIN's file", kPinMax));
  std::size_t size = pin.view().size();
  while (size > 0 && (pin.view()[size - 1] == '\n' || pin.view()[size - 1] == '\r')) --size;
  const CK_RV code = module_->C_Login(session, CKU_USER, pin.writable().data(), static_cast<CK_ULONG>(size));
  if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) return {};
  return refuse(Reason::kPreconditionFailed, "logging in to PKCS#11 token '" + label_ + "': " + code_text(code));
}

Pkcs11Token::~Pkcs11Token() {
  if (module_ == nullptr) return;
  for (const Session session : free_) module_->C_CloseSession(session);
  if (initialized_) module_->C_Finalize(nullptr);
}

// --- sessions

CK_RV Pkcs11Token::with_session(const Act& act) {
  Session session = 0;
  {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [this] { return !free_.empty() || opened_ < kSessions; });
    if (free_.empty()) {
      if (const CK_RV code = open_session(session); code != CKR_OK) return code;
      ++opened_;
    } else {
      session = free_.back();
      free_.pop_back();
    }
  }
  CK_RV code = act(session);
  if (is_lost(code)) {
    {
      const std::scoped_lock lock(handles_mutex_);
      handles_.clear();  // a token that comes back may give the numbers to others
    }
    Session anew = 0;
    {
      const std::scoped_lock lock(mutex_);
      module_->C_CloseSession(session);
      if (open_session(anew) != CKR_OK || !log_in(anew)) {
        --opened_;
        freed_.notify_one();
        return code;
      }
    }
    session = anew;
    code = act(session);
  }
  const std::scoped_lock lock(mutex_);
  free_.push_back(session);
  freed_.notify_one();
  return code;
}

// --- objects

CK_RV Pkcs11Token::find(Session session, std::vector<CK_ATTRIBUTE> wanted, std::vector<CK_OBJECT_HANDLE>& found) {
  found.clear();
  CK_RV code = module_->C_FindObjectsInit(session, wanted.data(), static_cast<CK_ULONG>(wanted.size()));
  if (code != CKR_OK) return code;
  std::array<CK_OBJECT_HANDLE, kFindAtOnce> some{};
  CK_ULONG count = 0;
  do {
    code = module_->C_FindObjects(session, some.data(), kFindAtOnce, &count);
    if (code == CKR_OK) found.insert(found.end(), some.begin(), some.begin() + count);
  } while (code == CKR_OK && count > 0);
  module_->C_FindObjectsFinal(session);
  return code;
}

CK_RV Pkcs11Token::find_one(Session session, CK_OBJECT_CLASS kind, const Id& id, CK_OBJECT_HANDLE& found) {
  std::vector<CK_OBJECT_HANDLE> all;
  const CK_RV code = find(session, {attribute(CKA_CLASS, kind), attribute(CKA_ID, id.data(), id.size())}, all);
  if (code != CKR_OK) return code;
  if (all.empty()) return CKR_OBJECT_HANDLE_INVALID;
  found = all.front();
  return CKR_OK;
}

CK_RV Pkcs11Token::private_handle(Session session, const Id& id, bool anew, CK_OBJECT_HANDLE& key) {
  if (!anew) {
    const std::scoped_lock lock(handles_mutex_);
    if (const auto known = handles_.find(id); known != handles_.end()) {
      key = known->second;
      return CKR_OK;
    }
  }
  const CK_RV code = find_one(session, CKO_PRIVATE_KEY, id, key);
  const std::scoped_lock lock(handles_mutex_);
  handles_.erase(id);
  if (code == CKR_OK) handles_[id] = key;
  return code;
}

CK_RV Pkcs11Token::sign_with(Session session, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism, ByteView data,
                             Bytes& signature) {
  CK_MECHANISM how{mechanism, nullptr, 0};
  CK_RV code = module_->C_SignInit(session, &how, key);
  if (code != CKR_OK) return code;
  signature.resize(1024);  // of RSA-3072: 384
  auto size = static_cast<CK_ULONG>(signature.size());
  code = module_->C_Sign(session, const_cast<CK_BYTE*>(data.data()), static_cast<CK_ULONG>(data.size()),
                         signature.data(), &size);
  if (code == CKR_OK) signature.resize(size);
  return code;
}

CK_RV Pkcs11Token::read(Session session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, Bytes& value) {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  CK_RV code = module_->C_GetAttributeValue(session, object, &wanted, 1);
  if (code != CKR_OK) return code;
  value.resize(wanted.ulValueLen);
  wanted.pValue = value.data();
  code = module_->C_GetAttributeValue(session, object, &wanted, 1);
  if (code == CKR_OK) value.resize(wanted.ulValueLen);
  return code;
}

// Whatever was asked for: what counts is what the token made of it.
CK_RV Pkcs11Token::is_closed(Session session, CK_OBJECT_HANDLE key, bool& closed) {
  Bytes sensitive;
  Bytes extractable;
  const CK_RV code = read(session, key, CKA_SENSITIVE, sensitive);
  const CK_RV other = read(session, key, CKA_EXTRACTABLE, extractable);
  closed = sensitive == Bytes{CK_TRUE} && extractable == Bytes{CK_FALSE};
  return code != CKR_OK ? code : other;
}

Outcome<void> Pkcs11Token::generate(KeyAlgorithm algorithm, const Id& id, const std::string& label) {
  const CK_BBOOL yes = CK_TRUE;
  const CK_BBOOL no = CK_FALSE;
  std::vector<CK_ATTRIBUTE> both{attribute(CKA_TOKEN, yes), attribute(CKA_ID, id.data(), id.size()),
                                 attribute(CKA_LABEL, label.data(), label.size())};
  std::vector<CK_ATTRIBUTE> of_public = both;
  of_public.push_back(attribute(CKA_PRIVATE, no));
  of_public.push_back(attribute(CKA_VERIFY, yes));
  std::vector<CK_ATTRIBUTE> of_private = both;
  for (const auto type : {CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN}) of_private.push_back(attribute(type, yes));
  of_private.push_back(attribute(CKA_EXTRACTABLE, no));

  const int curve = curve_of(algorithm);
  const Bytes oid = curve == NID_undef ? Bytes() : openssl::to_der(i2d_ASN1_OBJECT, OBJ_nid2obj(curve));
  const CK_ULONG bits = kRsaBits;
  static constexpr std::uint8_t kExponent[] = {1, 0, 1};
  CK_MECHANISM mechanism{curve == NID_undef ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, nullptr, 0};
  if (curve == NID_undef) {
    of_public.push_back(attribute(CKA_MODULUS_BITS, bits));
    of_public.push_back(attribute(CKA_PUBLIC_EXPONENT, kExponent, sizeof kExponent));
  } else {
    of_public.push_back(attribute(CKA_EC_PARAMS, oid.data(), oid.size()));
  }
  bool closed = false;
  const CK_RV code = with_session([&](Session session) {
    CK_OBJECT_HANDLE made_public = 0;
    CK_OBJECT_HANDLE made_private = 0;
    const CK_RV made = module_->C_GenerateKeyPair(
        session, &mechanism, of_public.data(), static_cast<CK_ULONG>(of_public.size()), of_private.data(),
        static_cast<CK_ULONG>(of_private.size()), &made_public, &made_private);
    return made != CKR_OK ? made : is_closed(session, made_private, closed);
  });
  if (code == CKR_OK && closed) return {};
  const std::string what = std::string(to_string(algorithm)) + " key on PKCS#11 token '" + label_ + "'";
  if (code == CKR_OK) {
    LATCHKEY_TRY_VOID(destroy(id));
    return refuse(Reason::kNotSupported, "no " + what + ": the token would let it out");
  }
  if (code == CKR_MECHANISM_INVALID || code == CKR_CURVE_NOT_SUPPORTED || code == CKR_DOMAIN_PARAMS_INVALID) {
    return refuse(Reason::kNotSupported, "no " + what + ": " + code_text(code));
  }
  return refuse_code("making a " + what, code);
}

Outcome<openssl::PkeyPtr> Pkcs11Token::public_key(const Id& id) {
  Bytes first;
  Bytes second;
  Bytes kind;
  const CK_RV code = with_session([&](Session session) {
    CK_OBJECT_HANDLE object = 0;
    CK_RV found = private_handle(session, id, true, object);
    if (found == CKR_OK) found = find_one(session, CKO_PUBLIC_KEY, id, object);
    if (found == CKR_OK) found = read(session, object, CKA_KEY_TYPE, kind);
    if (found != CKR_OK) return found;
    const CK_KEY_TYPE rsa = CKK_RSA;
    const bool is_rsa = ByteView(kind) == ByteView(reinterpret_cast<const std::uint8_t*>(&rsa), sizeof rsa);
    found = read(session, object, is_rsa ? CKA_MODULUS : CKA_EC_PARAMS, first);
    return found != CKR_OK ? found : read(session, object, is_rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT, second);
  });
  if (code == CKR_OBJECT_HANDLE_INVALID)
    return refuse(Reason::kNotFound, "PKCS#11 token '" + label_ + "' has no such key");
  if (code != CKR_OK) return refuse_code("reading a key of PKCS#11 token '" + label_ + "'", code);
  const CK_KEY_TYPE ec = CKK_EC;
  const bool is_ec = ByteView(kind) == ByteView(reinterpret_cast<const std::uint8_t*>(&ec), sizeof ec);
  openssl::PkeyPtr key = is_ec ? ec_key(first, second) : rsa_key(first, second);
  if (!key)
    return refuse(Reason::kStorage, "a key of PKCS#11 token '" + label_ + "' is damaged: " + openssl::take_error());
  return key;
}

Outcome<Bytes> Pkcs11Token::sign(const Id& id, CK_MECHANISM_TYPE mechanism, ByteView data) {
  Bytes signature;
  const CK_RV code = with_session([&](Session session) {
    CK_RV done = CKR_OK;
    for (const bool anew : {false, true}) {
      CK_OBJECT_HANDLE key = 0;
      done = private_handle(session, id, anew, key);
      if (done != CKR_OK) return done;
      done = sign_with(session, key, mechanism, data, signature);
      if (done != CKR_OBJECT_HANDLE_INVALID && done != CKR_KEY_HANDLE_INVALID) return done;
    }
    return done;
  });
  if (code == CKR_OK) return signature;
  if (code == CKR_OBJECT_HANDLE_INVALID || code == CKR_KEY_HANDLE_INVALID) {
    return refuse(Reason::kNotFound, "PKCS#11 token '" + label_ + "' has no such key any more");
  }
  return refuse_code("signing on PKCS#11 token '" + label_ + "'", code);
}

Outcome<void> Pkcs11Token::destroy(const Id& id) {
  {
    const std::scoped_lock lock(handles_mutex_);
    handles_.erase(id);
  }
  const CK_RV code = with_session([&](Session session) -> CK_RV {
    for (const CK_OBJECT_CLASS kind : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
      std::vector<CK_OBJECT_HANDLE> all;
      CK_RV done = find(session, {attribute(CKA_CLASS, kind), attribute(CKA_ID, id.data(), id.size())}, all);
      for (std::size_t i = 0; done == CKR_OK && i < all.size(); ++i) {
        done = module_->C_DestroyObject(session, all[i]);
        if (done == CKR_OBJECT_HANDLE_INVALID) done = CKR_OK;  // another node was first
      }
      if (done != CKR_OK) return done;
    }
    return CKR_OK;
  });
  if (code == CKR_OK) return {};
  return refuse_code("destroying a key of PKCS#11 token '" + label_ + "'", code);
}

Outcome<std::map<Pkcs11Token::Id, Pkcs11Token::Listed>> Pkcs11Token::list(const std::string& label_prefix) {
  std::map<Id, Listed> listed;
  const CK_RV code = with_session([&](Session session) -> CK_RV {
    listed.clear();
    for (const CK_OBJECT_CLASS kind : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
      std::vector<CK_OBJECT_HANDLE> all;
      const CK_RV found = find(session, {attribute(CKA_CLASS, kind)}, all);
      if (found != CKR_OK) return found;
      for (const CK_OBJECT_HANDLE object : all) {
        Bytes octets;
        Bytes label;
        // One that another node destroyed meanwhile, or somebody else's without a name.
        if (read(session, object, CKA_ID, octets) != CKR_OK || read(session, object, CKA_LABEL, label) != CKR_OK)
          continue;
        if (octets.size() != sizeof(Id) || !ByteView(label).text().starts_with(label_prefix)) continue;
        Id id{};
        std::copy(octets.begin(), octets.end(), id.begin());
        Listed& one = listed[id];
        one.label = std::string(ByteView(label).text());
        (kind == CKO_PRIVATE_KEY ? one.has_private : one.has_public) = true;
      }
    }
    return CKR_OK;
  });
  if (code == CKR_OK) return listed;
  return refuse_code("reading PKCS#11 token '" + label_ + "'", code);
}

}  // namespace latchkey::hub::ca::internal
