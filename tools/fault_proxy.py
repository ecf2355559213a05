#!/usr/bin/env python3
"""An HTTP proxy that stands before one server and breaks what passes, for tests of S3 clients.

    tools/fault_proxy.py --port 5586 --to 127.0.0.1:5580 [--tls CERTIFICATE KEY]

It forwards requests byte for byte (the Host header too, so that signatures hold: the server behind it must
not mind the port) and obeys rules that are set by requests to paths below /__faults__/:

    PUT    /__faults__/rules      a JSON list of rules, which replaces all
    GET    /__faults__/requests   what came, as JSON lines: number, method, path, headers, bytes, rule, status
    DELETE /__faults__/requests   forgets them

A rule holds for requests it matches, and makes one fault:

    {"method": "PUT", "path": "regular expression", "skip": 0, "times": 1, "do": "...", ...}

`skip` requests it matches pass unharmed, then `times` (default 1, -1 for all) are broken. What it may do:

    before the request goes on
      refuse                    close at once                     reset     by RST
      stall                     for `seconds`, then close
      answer                    `status`, `headers`, `body` (text); the body of the request is not read
      cut_request               RST after `at` bytes of the request's body
    after it was carried out
      lose                      close without an answer           lose_reset   by RST
      instead                   answer as above although it was carried out
      delay                     for `seconds`
      twice                     carry it out twice, the second answer counts
    in the answer
      cut_head                  close within the head, after `at` bytes (20)
      cut                       close after `at` bytes of the body
      flip                      one bit of byte `at` of the body
      drip                      `at` bytes of the body a second
      stall_body                stop after `at` bytes of the body, for `seconds`
      headers                   set the headers in `headers`; null removes one
      status                    another status, `status`
      junk                      `at` bytes of one more header
      garbage                   bytes that are no HTTP
      hang_up                   close the connection after the answer, unannounced
"""

import argparse
import json
import re
import socket
import ssl
import struct
import sys
import threading
import time


class Rules:
    """The rules, and what came. Shared by all connections."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []
        self.requests = []

    def replace(self, rules):
        with self.lock:
            self.rules = [dict(rule, seen=0) for rule in rules]

    def match(self, method, path):
        with self.lock:
            for rule in self.rules:
                if rule.get('method') not in (None, method):
                    continue
                if not re.search(rule.get('path', ''), path):
                    continue
                rule['seen'] += 1
                place = rule['seen'] - rule.get('skip', 0)
                times = rule.get('times', 1)
                if place >= 1 and (times < 0 or place <= times):
                    return dict(rule)
        return None

    def record(self, entry):
        with self.lock:
            entry['number'] = len(self.requests)
            self.requests.append(entry)


class Closed(Exception):
    """The peer has gone."""


class Stream:
    """A socket that is read by lines and counts."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b''

    def more(self):
        data = self.sock.recv(1 << 18)
        if not data:
            raise Closed()
        self.buffer += data

    def head(self):
        while b'\r\n\r\n' not in self.buffer:
            if len(self.buffer) > 1 << 20:
                raise Closed()
            self.more()
        head, self.buffer = self.buffer.split(b'\r\n\r\n', 1)
        return head.decode('latin-1').split('\r\n')

    def pieces(self, count):
        while count > 0:
            if not self.buffer:
                self.more()
            piece, self.buffer = self.buffer[:count], self.buffer[count:]
            count -= len(piece)
            yield piece

    def exactly(self, count):
        return b''.join(self.pieces(count))

    def chunked(self):
        body = b''
        while True:
            while b'\r\n' not in self.buffer:
                self.more()
            line, self.buffer = self.buffer.split(b'\r\n', 1)
            size = int(line.split(b';')[0], 16)
            body += self.exactly(size)
            self.exactly(2)
            if size == 0:
                return body

    def rest(self):
        try:
            while True:
                self.more()
        except Closed:
            data, self.buffer = self.buffer, b''
            return data

    def close(self, reset=False):
        try:
            if reset:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            else:
                self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def fields_of(lines):
    return [tuple(part.strip() for part in line.split(':', 1)) for line in lines if ':' in line]


def value(fields, name):
    for key, text in fields:
        if key.lower() == name:
            return text
    return None


class Connection:
    def __init__(self, sock, target, rules):
        self.client = Stream(sock)
        self.target = target
        self.server = None
        self.rules = rules

    def run(self):
        try:
            while self.one():
                pass
        except (Closed, OSError, ValueError):
            pass
        finally:
            self.client.close()
            if self.server:
                self.server.close()

    def one(self):
        """One request; whether another may follow."""
        lines = self.client.head()
        method, path, _ = lines[0].split(' ', 2)
        fields = fields_of(lines[1:])
        if path.startswith('/__faults__/'):
            return self.control(method, path, fields)
        rule = self.rules.match(method, path)
        entry = {'method': method, 'path': path, 'headers': {k.lower(): v for k, v in fields},
                 'rule': rule and rule['do'], 'status': None, 'bytes': 0}
        self.rules.record(entry)
        if rule and not self.before(rule, lines, fields, entry):
            return False
        body = self.request_body(fields)
        entry['bytes'] = len(body)
        answer = self.forward(lines, fields, body)
        if rule and rule['do'] == 'twice':
            answer = self.forward(lines, fields, body)
        entry['status'] = answer[0]
        return self.reply(rule, method, *answer)

    # -- Before the request goes on

    def before(self, rule, lines, fields, entry):
        """Whether the request goes on."""
        do = rule['do']
        if do == 'refuse':
            return False
        if do == 'reset':
            self.client.close(reset=True)
            return False
        if do == 'stall':
            time.sleep(rule.get('seconds', 30))
            return False
        if do == 'answer':
            entry['status'] = rule['status']
            self.send_answer(rule)
            return False
        if do == 'cut_request':
            self.expect(fields)
            for _ in self.client.pieces(rule.get('at', 0)):
                pass
            self.client.close(reset=True)
            return False
        return True

    def send_answer(self, rule):
        body = rule.get('body', '').encode()
        head = 'HTTP/1.1 %d Fault\r\n' % rule['status']
        headers = {'Content-Length': str(len(body)), 'Connection': 'close',
                   'Date': time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime())}
        headers.update(rule.get('headers', {}))
        for key, text in headers.items():
            if text is not None:
                head += '%s: %s\r\n' % (key, text)
        self.client.sock.sendall(head.encode('latin-1') + b'\r\n' + body)

    def expect(self, fields):
        if (value(fields, 'expect') or '').lower() == '100-continue':
            self.client.sock.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')

    def request_body(self, fields):
        self.expect(fields)
        return self.client.exactly(int(value(fields, 'content-length') or 0))

    # -- The server behind

    def forward(self, lines, fields, body):
        """Status, head fields, body and whether the server keeps its connection."""
        kept = [line for line in lines if not line.lower().startswith('expect:')]
        data = '\r\n'.join(kept).encode('latin-1') + b'\r\n\r\n' + body
        for attempt in range(2):
            try:
                if self.server is None:
                    self.server = Stream(socket.create_connection(self.target))
                    self.server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.server.sock.sendall(data)
                return self.answer(lines[0].split(' ', 1)[0])
            except (Closed, OSError):
                self.server = None
                if attempt == 1:
                    raise

    def answer(self, method):
        while True:
            lines = self.server.head()
            status = int(lines[0].split(' ')[1])
            if status >= 200:
                break
        fields = fields_of(lines[1:])
        length = value(fields, 'content-length')
        if method == 'HEAD' or status in (204, 304):
            body = b''
        elif (value(fields, 'transfer-encoding') or '').lower() == 'chunked':
            body = self.server.chunked()
            fields = [f for f in fields if f[0].lower() != 'transfer-encoding']
            fields.append(('Content-Length', str(len(body))))
        elif length is not None:
            body = self.server.exactly(int(length))
        else:
            body = self.server.rest()
            self.server = None
        if (value(fields, 'connection') or '').lower() == 'close':
            self.server = None
        return status, fields, body

    # -- The answer

    def reply(self, rule, method, status, fields, body):
        """Whether another request may follow."""
        do = rule['do'] if rule else None
        if do in ('lose', 'lose_reset'):
            self.client.close(reset=do == 'lose_reset')
            return False
        if do == 'instead':
            self.send_answer(rule)
            return False
        if do == 'garbage':
            self.client.sock.sendall(b'\x00\x16\x03\x01 no HTTP at all \xff\xfe' * 20)
            return False
        if do == 'delay':
            time.sleep(rule.get('seconds', 1))
        if do == 'status':
            status = rule['status']
        fields = self.changed(rule, do, fields)
        head = 'HTTP/1.1 %d X\r\n' % status + ''.join('%s: %s\r\n' % f for f in fields) + '\r\n'
        head = head.encode('latin-1')
        if do == 'cut_head':
            self.client.sock.sendall(head[:rule.get('at', 20)])
            return False
        self.client.sock.sendall(head)
        return self.send_body(rule, do, body) and do != 'hang_up'

    def changed(self, rule, do, fields):
        if do == 'junk':
            return fields + [('X-Junk', 'j' * rule.get('at', 1 << 20))]
        if do != 'headers':
            return fields
        new = {key.lower(): text for key, text in rule['headers'].items()}
        fields = [f for f in fields if f[0].lower() not in new]
        return fields + [(k, v) for k, v in rule['headers'].items() if v is not None]

    def send_body(self, rule, do, body):
        at = rule.get('at', 0) if rule else 0
        if do == 'cut':
            self.client.sock.sendall(body[:at])
            return False
        if do == 'flip' and body:
            body = bytearray(body)
            body[at % len(body)] ^= 1
        if do == 'stall_body':
            self.client.sock.sendall(body[:at])
            time.sleep(rule.get('seconds', 30))
            return False
        if do == 'drip':
            for start in range(0, len(body), max(1, at)):
                self.client.sock.sendall(body[start:start + max(1, at)])
                time.sleep(1)
            return True
        self.client.sock.sendall(body)
        return True

    # -- Control

    def control(self, method, path, fields):
        body = self.request_body(fields)
        answer = b''
        if path.endswith('/rules') and method == 'PUT':
            self.rules.replace(json.loads(body))
        elif path.endswith('/requests') and method == 'DELETE':
            with self.rules.lock:
                self.rules.requests = []
        elif path.endswith('/requests'):
            with self.rules.lock:
                answer = ''.join(json.dumps(r) + '\n' for r in self.rules.requests).encode()
        head = 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(answer)
        self.client.sock.sendall(head.encode() + answer)
        return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--port', type=int, required=True)
    parser.add_argument('--to', required=True, help='HOST:PORT of the server behind')
    parser.add_argument('--tls', nargs=2, metavar=('CERTIFICATE', 'KEY'))
    options = parser.parse_args()
    host, port = options.to.rsplit(':', 1)
    rules = Rules()
    listener = socket.create_server(('127.0.0.1', options.port), backlog=128)
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def serve(sock=sock):
            try:
                if context:
                    sock = context.wrap_socket(sock, server_side=True)
            except (OSError, ssl.SSLError):
                sock.close()
                return
            Connection(sock, (host, int(port)), rules).run()

        threading.Thread(target=serve, daemon=True).start()


if __name__ == '__main__':
    sys.exit(main())
