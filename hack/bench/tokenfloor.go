package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/d1gateway/d1gateway/api/serving"
)

// floorClaims and floorAnswer are what the token endpoint issues and answers too.
type (
	floorClaims struct {
		jwt.RegisteredClaims
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	floorAnswer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
		ExpiresAt   string `json:"expires_at"`
		Scope       string `json:"scope"`
	}
)

// floorHandler issues access tokens and does nothing else: no limits, no metrics, no logs, one client, no media type, no care.
type floorHandler struct {
	key    *ecdsa.PrivateKey
	digest [sha256.Size]byte
}

func startTokenFloor(ctx context.Context, _ string) (server, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return server{}, fmt.Errorf("generating a key: %w", err)
	}
	return listenAndServe(ctx, floorHandler{key, sha256.Sum256([]byte(clientSecret))})
}

// ServeHTTP issues one access token.
func (h floorHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	presented := sha256.Sum256([]byte(secret))
	if id != clientID || subtle.ConstantTimeCompare(presented[:], h.digest[:]) != 1 {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "client_credentials" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body, err := h.issue(time.Now())
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	_, _ = w.Write(body)
}

func (h floorHandler) issue(now time.Time) ([]byte, error) {
	expires := now.Add(tokenSeconds * time.Second)
	token := jwt.NewWithClaims(jwt.SigningMethodES256, floorClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{issuer}, Subject: clientID, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		ClientID: clientID, Scope: serving.NotifyScope,
	})
	token.Header["typ"], token.Header["kid"] = "at+jwt", keyID
	signed, err := token.SignedString(h.key)
	if err != nil {
		return nil, err
	}
	return json.Marshal(floorAnswer{signed, "Bearer", tokenSeconds, expires.UTC().Format(time.RFC3339), serving.NotifyScope}) //nolint:gosec // the answer is for whoever has authenticated
}
