package running

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// recorder keeps what D1 was answered: each different text once, and the tokens that were issued.
type recorder struct {
	mu      sync.Mutex
	answers map[string]bool
	planted map[string]bool
	count   int
}

func (r *recorder) keep(a Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers == nil {
		r.answers = map[string]bool{}
	}
	r.count++
	header := a.Header.Clone()
	header.Del("Date")
	r.answers[fmt.Sprintf("%d %v\n%s", a.Status, header, withoutToken(a.Body))] = true
	if token := a.Token(); token != "" {
		r.plant(token, token[strings.LastIndexByte(token, '.')+1:])
	}
}

func (r *recorder) plant(values ...string) {
	if r.planted == nil {
		r.planted = map[string]bool{}
	}
	for _, v := range values {
		r.planted[v] = true
	}
}

// withoutToken is a token answer without its access token.
func withoutToken(body string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &members) != nil || members["access_token"] == nil {
		return body
	}
	delete(members, "access_token")
	rest, err := json.Marshal(members)
	if err != nil {
		return body
	}
	return string(rest)
}

// Planted names values that must be found nowhere when the test ends: not in an answer, the log, the metrics, readiness or the
// administration API. Issued tokens and the material of the documents are among them already. A value should be long enough not to
// stand anywhere by chance.
func (w *World) Planted(values ...string) {
	w.recorder.mu.Lock()
	defer w.recorder.mu.Unlock()
	w.recorder.plant(values...)
}

// Answers is how many answers D1 got.
func (w *World) Answers() int {
	w.recorder.mu.Lock()
	defer w.recorder.mu.Unlock()
	return w.recorder.count
}

// checkNothingLeaked looks through everything that leaves the server.
func (w *World) checkNothingLeaked() {
	w.tb.Helper()
	texts := map[string]string{
		"the log":                           w.Log.String(),
		"the metrics":                       labels(w.get(w.MetricsURL("/metrics"))),
		"readiness":                         w.get(w.MetricsURL("/readyz?verbose")),
		"the administration's records":      w.get(w.AdminURL("/v1/notifications?limit=500")),
		"the administration's destinations": w.get(w.AdminURL("/v1/destinations?all=true")),
	}
	w.recorder.mu.Lock()
	defer w.recorder.mu.Unlock()
	var answers strings.Builder
	for a := range w.recorder.answers {
		answers.WriteString(a + "\n")
	}
	texts["an answer"] = answers.String()
	for _, all := range append(w.others, w.Documents) {
		for _, k := range all.Secrets.SigningKeys {
			w.recorder.plant(k.PrivateKey.Reveal(), strings.Split(k.PrivateKey.Reveal(), "\n")[1])
		}
		for _, s := range all.Secrets.SigningSecrets {
			w.recorder.plant(s.Secret.Reveal())
		}
		for _, c := range all.Secrets.ClientCredentials {
			w.recorder.plant(c.ClientSecret.Reveal())
		}
	}
	for where, text := range texts {
		for value := range w.recorder.planted {
			if strings.Contains(text, value) {
				w.tb.Errorf("%s shows a secret or token, %q...", where, value[:min(len(value), 8)])
			}
		}
		for _, number := range cardNumbers(text) {
			w.tb.Errorf("%s shows a card number, %s", where, number)
		}
	}
}

var bucket = regexp.MustCompile(`le="[^"]*"`)

// labels is a page of metrics without the numbers, those of buckets included: a fraction of a second may look like anything.
func labels(page string) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if end := strings.LastIndexByte(line, ' '); end > 0 {
			b.WriteString(bucket.ReplaceAllString(line[:end], "le") + "\n")
		}
	}
	return b.String()
}

var digits = regexp.MustCompile(`[0-9]+`)

// cardNumbers are the runs of 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1 annex B).
func cardNumbers(text string) []string {
	var found []string
	for _, run := range digits.FindAllString(text, -1) {
		if len(run) >= 13 && len(run) <= 19 && passesLuhn(run) {
			found = append(found, run)
		}
	}
	return found
}

func passesLuhn(number string) bool {
	sum := 0
	for i, c := range []byte(number) {
		digit := int(c - '0')
		if (len(number)-i)%2 == 0 {
			digit = digit*2%10 + digit/5
		}
		sum += digit
	}
	return sum%10 == 0
}
