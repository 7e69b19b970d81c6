// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/internal/request.h"

#include <openssl/asn1t.h>
#include <openssl/objects.h>

namespace latchkey::hub::ca::internal {
namespace {

struct KeyForm {
  X509_ALGOR* algorithm;
  ASN1_BIT_STRING* bits;
};
ASN1_SEQUENCE(KeyForm) = {ASN1_SIMPLE(KeyForm, algorithm, X509_ALGOR),
                          ASN1_SIMPLE(KeyForm, bits, ASN1_BIT_STRING)} static_ASN1_SEQUENCE_END(KeyForm)

    struct InfoForm {
  ASN1_ENCODING enc;  // as it came: what the signature is over
  ASN1_INTEGER* version;
  X509_NAME* subject;
  KeyForm* key;
  STACK_OF(X509_ATTRIBUTE) * attributes;
};
ASN1_SEQUENCE_enc(InfoForm, enc, nullptr) = {
    ASN1_SIMPLE(InfoForm, version, ASN1_INTEGER), ASN1_SIMPLE(InfoForm, subject, X509_NAME),
    ASN1_SIMPLE(InfoForm, key, KeyForm),
    ASN1_IMP_SET_OF_OPT(InfoForm, attributes, X509_ATTRIBUTE, 0)} static_ASN1_SEQUENCE_END_ref(InfoForm, InfoForm)

}  // namespace

struct RequestForm {
  InfoForm* info;
  X509_ALGOR* algorithm;
  ASN1_BIT_STRING* signature;
};

namespace {

ASN1_SEQUENCE(RequestForm) = {ASN1_SIMPLE(RequestForm, info, InfoForm), ASN1_SIMPLE(RequestForm, algorithm, X509_ALGOR),
                              ASN1_SIMPLE(RequestForm, signature,
                                          ASN1_BIT_STRING)} static_ASN1_SEQUENCE_END(RequestForm)

    ByteView view_of(const ASN1_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

}  // namespace

std::unique_ptr<Request> Request::parse(ByteView der, std::size_t& size) {
  const std::uint8_t* end = der.data();
  auto* form = reinterpret_cast<RequestForm*>(
      ASN1_item_d2i(nullptr, &end, static_cast<long>(der.size()), ASN1_ITEM_rptr(RequestForm)));
  if (form == nullptr) return nullptr;
  size = static_cast<std::size_t>(end - der.data());
  return std::unique_ptr<Request>(new Request(form));
}

Request::~Request() { ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(form_), ASN1_ITEM_rptr(RequestForm)); }

const X509_NAME* Request::subject() const { return form_->info->subject; }
const X509_ALGOR* Request::key_algorithm() const { return form_->info->key->algorithm; }
ByteView Request::key_bits() const { return view_of(form_->info->key->bits); }

registry::Bytes Request::key_info() const {
  unsigned char* der = nullptr;
  const int size = ASN1_item_i2d(reinterpret_cast<const ASN1_VALUE*>(form_->info->key), &der, ASN1_ITEM_rptr(KeyForm));
  registry::Bytes bytes;
  if (size > 0) bytes.assign(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

int Request::signature_nid() const { return OBJ_obj2nid(form_->algorithm->algorithm); }
ByteView Request::signed_part() const { return {form_->info->enc.enc, static_cast<std::size_t>(form_->info->enc.len)}; }
const ASN1_BIT_STRING* Request::signature() const { return form_->signature; }

}  // namespace latchkey::hub::ca::internal
