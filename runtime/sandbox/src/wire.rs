//! The TCP side of a fault: a connection that can be cut, and a body that ends too early.
//!
//! In: accepted connections. Out: connections with a [`Cut`] switch that a request handler reaches through `ConnectInfo`.
//! Never: a decision whether to cut; that is `fault.rs`.

use axum::body::{Bytes, HttpBody};
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use http_body::Frame;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const OPEN: u8 = 0;
const CLOSE: u8 = 1;
const RESET: u8 = 2;

/// The switch of one connection: once thrown, not one more byte is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut(Arc<AtomicU8>);

impl Cut {
    /// Ends the connection in an orderly way, without an answer.
    pub(crate) fn close(&self) {
        self.0.store(CLOSE, Ordering::SeqCst);
    }

    /// Ends the connection with a TCP reset.
    pub(crate) fn reset(&self) {
        self.0.store(RESET, Ordering::SeqCst);
    }
}

/// A listener whose connections can be cut.
pub(crate) struct CuttableListener(pub(crate) TcpListener);

/// A connection that can be cut.
pub(crate) struct Wire {
    stream: TcpStream,
    cut: Cut,
}

impl Listener for CuttableListener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Small answers would otherwise wait for the peer's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "the connection keeps its delay");
        }
        (Wire { stream, cut: Cut::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().cut.clone()
    }
}

impl Wire {
    /// Fails once the switch is thrown; a reset is prepared so that dropping the socket sends it.
    fn still_open(&self) -> io::Result<()> {
        let state = self.cut.0.load(Ordering::SeqCst);
        if state == OPEN {
            return Ok(());
        }
        if state == RESET {
            self.stream.set_zero_linger()?;
        }
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Err(error) = self.still_open() {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A body that promises more than it holds: half of it is sent, then the connection breaks.
pub(crate) struct TornBody {
    half: Option<Bytes>,
    flushed: bool,
}

impl TornBody {
    /// The first half of `whole`.
    pub(crate) fn of(whole: &[u8]) -> Self {
        let half = whole.iter().take(whole.len() / 2).copied().collect::<Vec<_>>();
        Self { half: Some(Bytes::from(half)), flushed: false }
    }
}

impl HttpBody for TornBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        // One pause lets the server send the half before the error ends the connection.
        if !self.flushed {
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
