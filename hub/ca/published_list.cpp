// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/published_list.h"

#include <ctime>
#include <functional>

#include "platform/files/file.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::ca {
namespace {

constexpr std::size_t kCrlFileMax = std::size_t{512} * 1024 * 1024;
using Asn1EnumeratedPtr = openssl::Owner<ASN1_ENUMERATED, ASN1_ENUMERATED_free>;

UnixMs unix_ms(const ASN1_TIME* time) {
  std::tm parts{};
  return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<UnixMs>(::timegm(&parts)) * 1000 : 0;
}

std::uint64_t number_of(X509_CRL* crl) {
  const openssl::Asn1IntegerPtr number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl, NID_crl_number, nullptr, nullptr)));
  std::uint64_t value = 0;
  return number && ASN1_INTEGER_get_uint64(&value, number.get()) == 1 ? value : 0;
}

registry::RevokedSerial read_entry(const X509_REVOKED* entry) {
  registry::RevokedSerial read;
  const ASN1_INTEGER* serial = X509_REVOKED_get0_serialNumber(entry);
  const unsigned char* octets = ASN1_STRING_get0_data(serial);
  read.serial.assign(octets, octets + ASN1_STRING_length(serial));
  read.revoked_at = unix_ms(X509_REVOKED_get0_revocationDate(entry));
  const Asn1EnumeratedPtr reason(
      static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)));
  if (reason) read.reason = static_cast<registry::RevocationReason>(ASN1_ENUMERATED_get(reason.get()));
  return read;
}

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): sums of what it makes differ where sums of hashes might not.
std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

}  // namespace

// A list has whole seconds, and serials without leading zeros.
void ListContent::add(const registry::RevokedSerial& entry) {
  ByteView serial(entry.serial);
  while (serial.size() > 1 && serial[0] == 0) serial = serial.subview(1, serial.size() - 1);
  const auto named = static_cast<std::uint64_t>(std::hash<std::string_view>{}(serial.text()));
  const auto said = static_cast<std::uint64_t>(entry.revoked_at / 1000) << 8 | static_cast<std::uint8_t>(entry.reason);
  sum += mixed(mixed(named) ^ said);
  ++entries;
}

PublishedList read_published(const std::filesystem::path& file) {
  const auto content = files::read_file(file, kCrlFileMax);
  if (!content) return {};
  const std::uint8_t* end = content->data();
  const openssl::X509CrlPtr crl(d2i_X509_CRL(nullptr, &end, static_cast<long>(content->size())));
  openssl::take_error();
  if (!crl) return {};
  PublishedList list;
  list.number = number_of(crl.get());
  list.this_update = unix_ms(X509_CRL_get0_lastUpdate(crl.get()));
  list.next_update = unix_ms(X509_CRL_get0_nextUpdate(crl.get()));
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(crl.get());
  for (int i = 0; entries != nullptr && i < sk_X509_REVOKED_num(entries); ++i) {
    list.content.add(read_entry(sk_X509_REVOKED_value(entries, i)));
  }
  return list;
}

}  // namespace latchkey::hub::ca
