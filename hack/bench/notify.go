package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
)

// The two sides of the notification figure.
const (
	notifySQLite   = "notify-sqlite"
	notifyPostgres = "notify-postgres"
	notifyNull     = "notify-null"
)

func notifyFigure() figure {
	return figure{
		name:      "notify-http-vs-null-store",
		about:     "notifications accepted per second over HTTP with the embedded store, each durable before its 204, against the same endpoint with a store that keeps nothing; HTTP/1.1, 64 connections",
		goal:      0.7,
		direction: atLeast,
		measure: func(ctx context.Context, s *session) (measurement, error) {
			return measureNotify(ctx, s, notifySQLite, "embedded store")
		},
	}
}

func notifyPostgresFigure() figure {
	return figure{
		name:      "notify-http-postgres-vs-null-store",
		about:     "the same with PostgreSQL, its server on the same machine",
		goal:      0.7,
		direction: atLeast,
		measure: func(ctx context.Context, s *session) (measurement, error) {
			return measureNotify(ctx, s, notifyPostgres, "PostgreSQL")
		},
	}
}

func measureNotify(ctx context.Context, s *session, server, name string) (measurement, error) {
	ours, err := notifySide(ctx, s, server, name)
	if err != nil {
		return measurement{}, err
	}
	null, err := notifySide(ctx, s, notifyNull, "no store")
	if err != nil {
		return measurement{}, err
	}
	return comparison{ours: ours, base: null, rate: sample.perSecond, unit: "per second"}.measure(ctx, s.rounds, s.window)
}

func notifySide(ctx context.Context, s *session, server, name string) (side, error) {
	c, err := startChild(ctx, s, server)
	if err != nil {
		return side{}, err
	}
	token, err := fetchToken(ctx, c.address)
	if err != nil {
		return side{}, c.explain(err)
	}
	return c.loaded(name, load{requests: notifyRequests(c.address, token), status: 204}, s.window), nil
}

// fetchToken gets an access token as D1 does.
func fetchToken(ctx context.Context, address string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+tokenPath, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", basicAuthorization())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{Timeout: answerTimeout}
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		return "", fmt.Errorf("asking for an access token: %w", err)
	}
	defer answer.Body.Close() //nolint:errcheck // it is only read
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("asking for an access token was answered %d", answer.StatusCode)
	}
	var granted struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswerBytes)).Decode(&granted); err != nil || granted.AccessToken == "" {
		return "", errors.New("the answer to a token request has no access token")
	}
	return granted.AccessToken, nil
}

// notifyRequests are those of D1: every connection is for one merchant, and every request for another token with another correlation id.
func notifyRequests(address, accessToken string) func(int) func() []byte {
	const placeholder = "________________________________"
	const body = `{"updateType":"TOKEN_STATE_CHANGE"}`
	return func(connection int) func() []byte {
		before := fmt.Sprintf("POST /merchant-gateways/%s/merchants/%s/tokens/", gatewayID, merchantID(connection))
		between := fmt.Sprintf("/notify-update HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Correlation-Id: ",
			address, accessToken, len(body))
		request := []byte(before + placeholder + between + placeholder + "\r\n\r\n" + body)
		token := request[len(before):][:len(placeholder)]
		correlation := request[len(before)+len(placeholder)+len(between):][:len(placeholder)]
		return func() []byte {
			fill(token)
			fill(correlation)
			return request
		}
	}
}

// fill writes 32 random hex digits.
func fill(to []byte) {
	var raw [16]byte
	binary.NativeEndian.PutUint64(raw[:8], rand.Uint64()) //nolint:gosec // it needs to differ, not to be secret
	binary.NativeEndian.PutUint64(raw[8:], rand.Uint64()) //nolint:gosec // as above
	hex.Encode(to, raw[:])
}
