package listener

import (
	"log/slog"
	"net/http"
	"time"
)

// limits are what one connection may ask of a server. net/http turns them into deadlines; where it does so in a way that is not plain from
// its documents, the field says what happens.
type limits struct {
	// readHeader bounds a TLS handshake and, from its first byte, a request's header over HTTP/1.1.
	readHeader time.Duration
	// read bounds a request, its body included, also one that the handler leaves unread. Over HTTP/2 it bounds the body of each stream.
	read time.Duration
	// write bounds a request from the end of its header to the end of its answer.
	write time.Duration
	// idle bounds the time between requests. Over HTTP/2 also a connection on which no stream is open and the next header trickles in.
	idle time.Duration
	// headerBytes bounds a request's header: 431, and over HTTP/2 the end of the connection for one more than about twice as large.
	headerBytes int

	// streams bounds the requests at once on one HTTP/2 connection. A client that opens and resets more than five times as many before
	// their handlers end (CVE-2023-44487) is disconnected.
	streams int
	// ping is how long an HTTP/2 connection may send no whole frame before it is asked for a sign of life, and pingAnswer how long that
	// may take. It is what cuts off a header that stops half-way: net/http has no deadline of its own there.
	ping, pingAnswer time.Duration
	// writeProgress is how long a write on an HTTP/2 connection may make no progress. Without it a peer that sends but reads nothing
	// keeps the connection for ever: the deadlines of its streams end in resets, which cannot be written either.
	writeProgress time.Duration
	// frameBytes, streamBytes and connectionBytes bound what an HTTP/2 connection buffers: one frame, the unread body of one stream, all
	// the unread bodies.
	frameBytes, streamBytes, connectionBytes int
}

// productionLimits cut off a slow sender soon, and let an answer take as long as the slowest synchronous delivery.
func productionLimits() limits {
	return limits{
		readHeader: 5 * time.Second, read: 15 * time.Second, write: 75 * time.Second, idle: 2 * time.Minute, headerBytes: 64 << 10,
		streams: 100, // RFC 9113 section 6.5.2 advises no fewer
		ping:    15 * time.Second, pingAnswer: 10 * time.Second, writeProgress: 10 * time.Second,
		frameBytes: 16 << 10, streamBytes: 64 << 10, // a notification's body is at most 64 KiB
		connectionBytes: 128 << 10, // with 1 KiB bodies, every stream's; 4,096 connections that fill it take 512 MiB
	}
}

// server serves a handler within the limits.
func (l limits) server(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: l.readHeader,
		ReadTimeout:       l.read,
		WriteTimeout:      l.write,
		IdleTimeout:       l.idle,
		MaxHeaderBytes:    l.headerBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          l.streams,
			SendPingTimeout:               l.ping,
			PingTimeout:                   l.pingAnswer,
			WriteByteTimeout:              l.writeProgress,
			MaxReadFrameSize:              l.frameBytes,
			MaxReceiveBufferPerStream:     l.streamBytes,
			MaxReceiveBufferPerConnection: l.connectionBytes,
		},
		// "OPTIONS *" is a path like any other: 404.
		DisableGeneralOptionsHandler: true,
		// net/http logs here what peers do wrong.
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}
