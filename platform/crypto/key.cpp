// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/key.h"

#include <psa/crypto.h>

#include <cstring>

namespace latchkey::crypto {
namespace {

// ECPrivateKey of RFC 5915 with every length fixed: head, scalar, curve and start of the public key, point.
struct Form {
  ByteView head;
  std::size_t scalar_size;
  ByteView middle;
  std::size_t point_size;
  std::size_t bits;
};

constexpr std::uint8_t kHead256[] = {0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20};
constexpr std::uint8_t kMiddle256[] = {0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
                                       0x03, 0x01, 0x07, 0xA1, 0x44, 0x03, 0x42, 0x00};
constexpr std::uint8_t kHead384[] = {0x30, 0x81, 0xA4, 0x02, 0x01, 0x01, 0x04, 0x30};
constexpr std::uint8_t kMiddle384[] = {0xA0, 0x07, 0x06, 0x05, 0x2B, 0x81, 0x04,
                                       0x00, 0x22, 0xA1, 0x64, 0x03, 0x62, 0x00};

constexpr Form kForm256{{kHead256, sizeof kHead256}, 32, {kMiddle256, sizeof kMiddle256}, 65, 256};
constexpr Form kForm384{{kHead384, sizeof kHead384}, 48, {kMiddle384, sizeof kMiddle384}, 97, 384};

constexpr const Form& form_of(Curve curve) { return curve == Curve::kP256 ? kForm256 : kForm384; }
constexpr std::size_t scalar_at(const Form& form) { return form.head.size(); }
constexpr std::size_t middle_at(const Form& form) { return scalar_at(form) + form.scalar_size; }
constexpr std::size_t point_at(const Form& form) { return middle_at(form) + form.middle.size(); }
static_assert(point_at(kForm256) + kForm256.point_size == key_size(Curve::kP256), "121 bytes");
static_assert(point_at(kForm384) + kForm384.point_size == key_size(Curve::kP384), "167 bytes");

psa_key_attributes_t attributes_of(const Form& form) {
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
  psa_set_key_bits(&attributes, form.bits);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);
  return attributes;
}

// A PSA key slot for as long as a function runs.
struct PsaKey {
  psa_key_id_t id = PSA_KEY_ID_NULL;
  ~PsaKey() { psa_destroy_key(id); }
};

bool export_point(psa_key_id_t id, const Form& form, std::uint8_t* out) {
  std::size_t size = 0;
  return psa_export_public_key(id, out, form.point_size, &size) == PSA_SUCCESS && size == form.point_size;
}

bool export_scalar(psa_key_id_t id, const Form& form, std::uint8_t* out) {
  std::size_t size = 0;
  return psa_export_key(id, out, form.scalar_size, &size) == PSA_SUCCESS && size == form.scalar_size;
}

bool has_form(ByteView der, const Form& form, Curve curve) {
  return der.size() == key_size(curve) && der.subview(0, form.head.size()) == form.head &&
         der.subview(middle_at(form), form.middle.size()) == form.middle;
}

Result<void> check_pair(ByteView der, const Form& form) {
  auto attributes = attributes_of(form);
  PsaKey key;
  if (psa_import_key(&attributes, der.data() + scalar_at(form), form.scalar_size, &key.id) != PSA_SUCCESS) {
    return fail(Status::kMismatch);  // zero or beyond the curve's order: no point belongs to it
  }
  std::array<std::uint8_t, kMaxPointSize> point{};
  if (!export_point(key.id, form, point.data())) return fail(Status::kInternal);
  if (ByteView(point.data(), form.point_size) != der.subview(point_at(form), form.point_size)) {
    return fail(Status::kMismatch);
  }
  return {};
}

}  // namespace

Result<void> init() {
  if (psa_crypto_init() != PSA_SUCCESS) return fail(Status::kInternal);
  return {};
}

DeviceKey& DeviceKey::operator=(DeviceKey&& other) noexcept {
  if (this == &other) return *this;
  bytes = other.bytes;
  size = other.size;
  curve = other.curve;
  other.clear();
  return *this;
}

ByteView DeviceKey::point() const {
  if (empty()) return {};
  const Form& form = form_of(curve);
  return der().subview(point_at(form), form.point_size);
}

void DeviceKey::clear() {
  wipe(bytes);
  size = 0;
}

Result<void> generate_key(Curve curve, DeviceKey& out) {
  out.clear();
  const Form& form = form_of(curve);
  auto attributes = attributes_of(form);
  PsaKey key;
  if (psa_generate_key(&attributes, &key.id) != PSA_SUCCESS) return fail(Status::kInternal);

  std::uint8_t* to = out.bytes.data();
  if (!export_scalar(key.id, form, to + scalar_at(form)) || !export_point(key.id, form, to + point_at(form))) {
    out.clear();
    return fail(Status::kInternal);
  }
  std::memcpy(to, form.head.data(), form.head.size());
  std::memcpy(to + middle_at(form), form.middle.data(), form.middle.size());
  out.size = key_size(curve);
  out.curve = curve;
  return {};
}

Result<void> load_key(ByteView der, DeviceKey& out) {
  out.clear();
  Curve curve;
  if (has_form(der, kForm256, Curve::kP256)) {
    curve = Curve::kP256;
  } else if (has_form(der, kForm384, Curve::kP384)) {
    curve = Curve::kP384;
  } else {
    return fail(Status::kMalformed);
  }
  LATCHKEY_TRY_VOID(check_pair(der, form_of(curve)));
  std::memcpy(out.bytes.data(), der.data(), der.size());
  out.size = der.size();
  out.curve = curve;
  return {};
}

}  // namespace latchkey::crypto
