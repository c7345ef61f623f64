//! How the RabbitMQ driver reaches its server: Tokio's sockets, encrypted by rustls where the address says so.
//!
//! In: the driver's wish for a connection. Out: a stream. The driver's own encryption would bring a parser of PKCS#12 files and the
//! old ciphers in them; it is built without, and gets its streams from here.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_compat::{Compat, CompatExt};
use async_rs::Tokio;
use async_rs::traits::Reactor;
use async_rs::util::RuntimeParts;
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_rustls::TlsConnector;

/// What the driver runs on.
pub(super) type Kit = RuntimeParts<Tokio, Wire>;

/// How to encrypt, and the name that the server's certificate must show.
pub(super) type Tls = (Arc<ClientConfig>, String);

/// A kit on the current runtime.
///
/// The driver reads and writes on a thread of its own, so whatever needs the runtime is bound to it here.
pub(super) fn kit(tls: Option<Tls>) -> Kit {
    RuntimeParts::new(Tokio::current(), Wire { tokio: Tokio::current(), runtime: Handle::current(), tls })
}

/// Sockets, encrypted or not.
#[derive(Clone)]
pub(super) struct Wire {
    tokio: Tokio,
    runtime: Handle,
    tls: Option<Tls>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Wire").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

/// Any stream: which of the two is decided when it is connected.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

async fn connect(address: SocketAddr, tls: Option<Tls>) -> io::Result<Box<dyn Duplex>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    match tls {
        None => Ok(Box::new(stream.compat())),
        Some((config, name)) => {
            let name = ServerName::try_from(name).map_err(io::Error::other)?;
            let stream: Compat<_> = TlsConnector::from(config).connect(name, stream).await?.compat();
            Ok(Box::new(stream))
        }
    }
}

impl Reactor for Wire {
    type TcpStream = Box<dyn Duplex>;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.tokio.register(socket)
    }

    fn sleep(&self, pause: Duration) -> Self::Sleep {
        self.tokio.sleep(pause)
    }

    fn interval(&self, pause: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.tokio.interval(pause)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        let connecting = self.runtime.spawn(connect(address, self.tls.clone()));
        async move { connecting.await.map_err(io::Error::other)? }
    }
}
