//! One connection of a client: request after request, forwarded or not.

use std::io::{self, BufReader, Write};
use std::net::TcpStream;

use super::Shared;
use super::channel::{Channel, Kept};
use super::fault::{Action, Reply};
use super::message::{Framing, Head, Patient, pass_body};
use super::seen::Ticket;
use super::stream::of_client;

/// Whether the connection is good for another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Next,
    Close,
}

/// Serves a client until either side has enough.
pub(super) fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let _kept = shared.open.keep(&stream)?;
    let stream = of_client(stream, shared.tls.as_ref())?;
    let mut client = Client { channel: BufReader::new(stream), shared, upstream: None };
    while client.exchange()? == Then::Next {}
    Ok(())
}

struct Client<'a> {
    channel: Channel,
    shared: &'a Shared,
    /// The connection to the server, once there was something to forward.
    upstream: Option<(Channel, Kept<'a>)>,
}

/// A request whose body is still to be read.
struct Request<'a> {
    head: Head,
    framing: Framing,
    ticket: Ticket<'a>,
}

impl<'a> Client<'a> {
    fn exchange(&mut self) -> io::Result<Then> {
        let Some(head) = Head::read(&mut self.channel)? else { return Ok(Then::Close) };
        let (ticket, action) = self.shared.admit(&head);
        let request = Request { framing: head.request_framing(), head, ticket };
        let then = self.treat(&request, action)?;
        Ok(if request.head.closes() { Then::Close } else { then })
    }

    fn treat(&mut self, request: &Request<'a>, action: Option<Action>) -> io::Result<Then> {
        match action {
            Some(Action::Cut { after }) => self.cut(request, after),
            Some(Action::Answer(reply)) => self.answer(request, &reply),
            Some(Action::AnswerEarly(reply)) => self.answer_early(request, &reply),
            Some(Action::Endless(reply)) => self.endless(request, &reply),
            Some(Action::Raw(bytes)) => self.raw(request, &bytes),
            Some(Action::Silence) => self.read_body(request).and_then(|()| self.be_silent()),
            Some(Action::Deafness) => Ok(self.be_deaf()),
            other => self.forward(request, other.as_ref()),
        }
    }

    /// Forwards the request whole, and its answer as `action` wants it.
    fn forward(&mut self, request: &Request<'a>, action: Option<&Action>) -> io::Result<Then> {
        let heard = self.send_on(request, u64::MAX)?;
        let (upstream, _) = self.upstream.as_mut().expect("because a request was just sent there");
        let answer = answer_head(upstream)?;
        let method = request.head.first_line().split(' ').next().unwrap_or_default();
        let framing = answer.answer_framing(method)?;
        let then = self.pass_answer(request, answer, framing, action)?;
        Ok(if heard { then } else { Then::Close })
    }

    fn pass_answer(
        &mut self,
        request: &Request<'a>,
        mut answer: Head,
        framing: Framing,
        action: Option<&Action>,
    ) -> io::Result<Then> {
        let (upstream, _) = self.upstream.as_mut().expect("because the answer came from there");
        let most = match action {
            Some(Action::LoseAnswer) => {
                pass_body(upstream, &mut io::sink(), framing, u64::MAX, |_| {})?;
                return Ok(Then::Close);
            }
            Some(Action::ReplaceAnswer(reply)) => {
                pass_body(upstream, &mut io::sink(), framing, u64::MAX, |_| {})?;
                return self.reply(request, reply);
            }
            Some(Action::SetHeader { name, value }) => {
                answer.set(name, value);
                u64::MAX
            }
            Some(Action::CutAnswer { after } | Action::StallAnswer { after }) => *after,
            _ => u64::MAX,
        };
        request.ticket.answers(answer.status()?);
        answer.write(self.channel.get_mut())?;
        let whole = pass_body(upstream, self.channel.get_mut(), framing, most, |_| {})?;
        match action {
            Some(Action::StallAnswer { .. }) if !whole => self.be_silent(),
            Some(Action::CutAnswer { .. } | Action::CloseAfter) => Ok(Then::Close),
            _ if answer.closes() || framing == Framing::ToTheEnd => Ok(Then::Close),
            _ => Ok(Then::Next),
        }
    }

    /// Sends the request to the server, of its body `most` bytes at most: whether the server took all.
    fn send_on(&mut self, request: &Request<'a>, most: u64) -> io::Result<bool> {
        if self.upstream.is_none() {
            let stream = TcpStream::connect(&self.shared.upstream)?;
            stream.set_nodelay(true)?;
            let kept = self.shared.open.keep(&stream)?;
            self.upstream = Some((BufReader::new(Box::new(stream)), kept));
        }
        self.welcome(request)?;
        let (upstream, _) = self.upstream.as_mut().expect("because it was just made");
        let mut head = request.head.clone();
        head.remove("expect");
        let mut to = Patient::new(upstream.get_mut());
        head.write(&mut to)?;
        pass_body(&mut self.channel, &mut to, request.framing, most, |count| request.ticket.took(count))?;
        Ok(!to.failed)
    }

    /// Tells a client to go on that asks before it sends a body (RFC 9110, section 10.1.1).
    fn welcome(&mut self, request: &Request<'a>) -> io::Result<()> {
        match request.head.header("expect") {
            Some(_) => self.channel.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n"),
            None => Ok(()),
        }
    }

    fn cut(&mut self, request: &Request<'a>, after: u64) -> io::Result<Then> {
        if !matches!(request.framing, Framing::Sized(size) if size <= after) {
            self.send_on(request, after)?;
        }
        Ok(Then::Close)
    }

    fn answer(&mut self, request: &Request<'a>, reply: &Reply) -> io::Result<Then> {
        self.read_body(request)?;
        self.reply(request, reply)
    }

    /// Lingers as servers do: a connection closed over unread bytes is reset, and the answer may be lost
    /// with it.
    fn answer_early(&mut self, request: &Request<'a>, reply: &Reply) -> io::Result<Then> {
        self.reply(request, reply)?;
        self.channel.get_mut().end_writing()?;
        self.be_silent()
    }

    fn read_body(&mut self, request: &Request<'a>) -> io::Result<()> {
        self.welcome(request)?;
        let count = |count| request.ticket.took(count);
        pass_body(&mut self.channel, &mut io::sink(), request.framing, u64::MAX, count).map(|_| ())
    }

    fn raw(&mut self, request: &Request<'a>, bytes: &[u8]) -> io::Result<Then> {
        self.read_body(request)?;
        self.channel.get_mut().write_all(bytes)?;
        Ok(Then::Close)
    }

    fn reply(&mut self, request: &Request<'a>, reply: &Reply) -> io::Result<Then> {
        let mut text = head_of(reply);
        if !reply.has("content-length") && !matches!(reply.status, 100..=199 | 204 | 304) {
            text += &format!("Content-Length: {}\r\n", reply.body.len());
        }
        text += "\r\n";
        let is_head = request.head.first_line().starts_with("HEAD ");
        let body: &[u8] = if is_head { &[] } else { &reply.body };
        request.ticket.answers(reply.status);
        self.channel.get_mut().write_all(&[text.as_bytes(), body].concat())?;
        Ok(Then::Next)
    }

    /// Sends until the client wants no more.
    fn endless(&mut self, request: &Request<'a>, reply: &Reply) -> io::Result<Then> {
        self.read_body(request)?;
        request.ticket.answers(reply.status);
        let mut text = head_of(reply);
        let chunked = !reply.has("content-length");
        if chunked {
            text += "Transfer-Encoding: chunked\r\n";
        }
        let client = self.channel.get_mut();
        client.write_all((text + "\r\n").as_bytes())?;
        write_piece(client, &reply.body, chunked)?;
        loop {
            write_piece(client, &[b' '; 16 * 1024], chunked)?;
        }
    }

    /// Takes what the client sends, and says nothing, until it goes.
    fn be_silent(&mut self) -> io::Result<Then> {
        io::copy(&mut self.channel, &mut io::sink())?;
        Ok(Then::Close)
    }

    /// Takes nothing, either, until the proxy ends.
    fn be_deaf(&self) -> Then {
        self.shared.open.wait_for_end();
        Then::Close
    }
}

fn head_of(reply: &Reply) -> String {
    let headers = reply.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("HTTP/1.1 {} Faulty\r\n{}", reply.status, headers.collect::<String>())
}

fn write_piece(to: &mut impl Write, bytes: &[u8], chunked: bool) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    if chunked {
        to.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
    }
    to.write_all(bytes)?;
    if chunked { to.write_all(b"\r\n") } else { Ok(()) }
}

/// The head of the answer that counts: those before it (1xx) only say that the server is at work.
fn answer_head(upstream: &mut Channel) -> io::Result<Head> {
    loop {
        let head = Head::read(upstream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if !matches!(head.status()?, 100..=199) {
            return Ok(head);
        }
    }
}
