// SPDX-License-Identifier: Apache-2.0
#include "hub/http/internal/tls.h"

#include "hub/http/internal/engine.h"

namespace latchkey::hub::http {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace internal {

Outcome<std::shared_ptr<asio::ssl::context>> tls_context(const TlsFiles& files) {
  using Context = asio::ssl::context;
  auto context = std::make_shared<Context>(Context::tls_server);
  beast::error_code error;
  context->set_options(Context::default_workarounds | Context::no_sslv2 | Context::no_sslv3 | Context::no_tlsv1 |
                       Context::no_tlsv1_1 | Context::no_compression | SSL_OP_NO_RENEGOTIATION |
                       SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->use_certificate_chain_file(files.certificate, error);
  if (!error) context->use_private_key_file(files.key, Context::pem, error);
  if (error || SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return refuse(Reason::kStorage, files.certificate + " and " + files.key + " cannot be used for TLS: " +
                                        (error ? error.message() : std::string("they do not belong together")));
  }
  return context;
}

}  // namespace internal

Outcome<std::unique_ptr<Server>> Server::listen_tls(const std::string& host, std::uint16_t port, const TlsFiles& files,
                                                    Options options, Handlers handlers) {
  beast::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return refuse(Reason::kInvalidArgument, "'" + host + "' is not a numeric IP address");
  LATCHKEY_TRY(context, internal::tls_context(files));
  using Tls = EngineOver<internal::TlsTransport>;
  try {
    auto engine = std::make_unique<Tls>(options, std::move(handlers), internal::TlsTransport{std::move(context)},
                                        [&](asio::io_context& io) {
                                          constexpr bool kReuseAddress = true;  // connections in TIME_WAIT do not count
                                          return Tls::Acceptor(io, {address, port}, kReuseAddress);
                                        });
    engine->set_port(engine->acceptor().local_endpoint().port());
    engine->run();
    return std::unique_ptr<Server>(new Server(std::move(engine)));
  } catch (const boost::system::system_error& failed) {
    return fail(internal::no_listener(host, port, failed.code()));
  } catch (const std::exception& failed) {
    return refuse(Reason::kInternal, "the server at " + host + " does not start: " + failed.what());
  }
}

}  // namespace latchkey::hub::http
