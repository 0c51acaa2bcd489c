package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxAnswerBytes bounds one answer, head and body.
const maxAnswerBytes = 8 << 10

var (
	endOfLine     = []byte("\r\n")
	endOfHead     = []byte("\r\n\r\n")
	lengthField   = []byte("Content-Length")
	transferField = []byte("Transfer-Encoding")
)

// answerReader reads the answers on one connection. It knows as much of HTTP/1.1 (RFC 9112) as a server's short answers need:
// bodies with a Content-Length, and none with 204.
type answerReader struct {
	from   io.Reader
	buffer [maxAnswerBytes]byte
}

// read takes one whole answer and answers its status. Bytes after it are an error: nothing else was asked for.
func (a *answerReader) read() (status int, err error) {
	have, want := 0, -1
	for want < 0 || have < want {
		if have == len(a.buffer) {
			return 0, fmt.Errorf("it has more than %d bytes", maxAnswerBytes)
		}
		n, err := a.from.Read(a.buffer[have:])
		have += n
		if want < 0 {
			end := bytes.Index(a.buffer[:have], endOfHead)
			if end >= 0 {
				var body int
				if status, body, err = parseHead(a.buffer[:end]); err != nil {
					return 0, err
				}
				want = end + len(endOfHead) + body
				continue
			}
		}
		if err != nil && (want < 0 || have < want) {
			return 0, err
		}
	}
	if have > want {
		return 0, errors.New("more bytes follow it than were asked for")
	}
	return status, nil
}

// parseHead answers the status and the length of the body.
func parseHead(head []byte) (status, body int, err error) {
	line, fields, _ := bytes.Cut(head, endOfLine)
	version, rest, _ := bytes.Cut(line, []byte(" "))
	if string(version) != "HTTP/1.1" || len(rest) < 3 {
		return 0, 0, errors.New("it does not begin with HTTP/1.1 and a status")
	}
	if status, err = strconv.Atoi(string(rest[:3])); err != nil {
		return 0, 0, errors.New("its status is not a number")
	}
	if status == 204 {
		return status, 0, nil
	}
	body = -1
	for len(fields) > 0 {
		line, fields, _ = bytes.Cut(fields, endOfLine)
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, transferField):
			return 0, 0, errors.New("it has a transfer coding")
		case bytes.EqualFold(name, lengthField):
			if body, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || body < 0 || body > maxAnswerBytes {
				return 0, 0, errors.New("its length is not a number of bytes that is read here")
			}
		}
	}
	if body < 0 {
		return 0, 0, errors.New("it has no length")
	}
	return status, body, nil
}
