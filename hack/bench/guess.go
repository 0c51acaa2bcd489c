package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"time"
)

// guessFigure compares how long two wrong guesses take: a difference would tell whether a client exists.
func guessFigure() figure {
	return figure{
		name:      "unknown-client-vs-wrong-secret",
		about:     "median time until the 401 for an unknown client and for a wrong secret, the longer over the shorter; HTTP/1.1, one connection, both in turn",
		goal:      1.1,
		direction: atMost,
		measure:   measureGuesses,
	}
}

// guessDetail is what the JSON file says of the figure; times are in microseconds.
type guessDetail struct {
	UnknownClient float64 `json:"unknownClient"`
	WrongSecret   float64 `json:"wrongSecret"`
	Guesses       int     `json:"guesses"`
}

func measureGuesses(ctx context.Context, s *session) (measurement, error) {
	server, err := startChild(ctx, s, tokenOurs)
	if err != nil {
		return measurement{}, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", server.address)
	if err != nil {
		return measurement{}, err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to be sent
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	g := guesser{conn: conn, in: answerReader{from: conn}, address: server.address}
	stranger := strings.Repeat("x", len(clientID))
	if _, _, err := g.compare(stranger, warmUp); err != nil {
		return measurement{}, err
	}
	unknown, wrong, err := g.compare(stranger, time.Duration(s.rounds)*s.window)
	if err != nil {
		return measurement{}, err
	}
	d := guessDetail{UnknownClient: round(median(unknown), 2), WrongSecret: round(median(wrong), 2), Guesses: len(unknown) + len(wrong)}
	return measurement{
		value:  max(d.UnknownClient, d.WrongSecret) / min(d.UnknownClient, d.WrongSecret),
		words:  []string{fmt.Sprintf("unknown client %.2f µs, wrong secret %.2f µs, medians of %d guesses", d.UnknownClient, d.WrongSecret, d.Guesses)},
		detail: d,
	}, nil
}

// guesser sends one guess after the other, each as if from another place: guesses from one place are soon not looked at any more.
type guesser struct {
	conn    net.Conn
	in      answerReader
	address string
	sent    int
}

// compare answers the microseconds that guesses of both kinds took, in turn and for that long.
func (g *guesser) compare(stranger string, long time.Duration) (unknown, wrong []float64, err error) {
	for end := time.Now().Add(long); time.Now().Before(end); {
		for id, times := range map[string]*[]float64{stranger: &unknown, clientID: &wrong} {
			took, err := g.guess(id)
			if err != nil {
				return nil, nil, err
			}
			*times = append(*times, float64(took.Nanoseconds())/1000)
		}
	}
	return unknown, wrong, nil
}

func (g *guesser) guess(id string) (time.Duration, error) {
	const form = "grant_type=client_credentials"
	g.sent++
	source := fmt.Sprintf("10.%d.%d.%d", g.sent>>16&0xff, g.sent>>8&0xff, g.sent&0xff)
	credentials := base64.StdEncoding.EncodeToString([]byte(id + ":" + strings.Repeat("0", len(clientSecret))))
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\nAuthorization: Basic %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		tokenPath, g.address, source, credentials, len(form), form)
	begun := time.Now()
	if err := g.conn.SetDeadline(begun.Add(answerTimeout)); err != nil {
		return 0, err
	}
	begun = time.Now()
	if _, err := g.conn.Write(request); err != nil {
		return 0, fmt.Errorf("sending a guess: %w", err)
	}
	status, err := g.in.read()
	took := time.Since(begun)
	if err == nil && status != 401 {
		err = fmt.Errorf("a guess was answered %d", status)
	}
	return took, err
}
