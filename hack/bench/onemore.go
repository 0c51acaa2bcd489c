package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// oneMoreLimit bounds how long one client may take.
const oneMoreLimit = time.Minute

// additions is how many clients are added one after the other: to count the writes, and to measure the time.
type additions struct{ counted, timed int }

// additionsIn are 5 and 31 for the usual 10 rounds.
func additionsIn(rounds int) additions { return additions{(rounds + 1) / 2, 3*rounds + 1} }

func oneMoreFigure() figure {
	return figure{
		name:      "one-more-at-10000-vs-at-10",
		about:     "time from the creation of one more client to its first token when there are 10,000, against when there are 10; both cause the same number of API writes; operator, server and API server are real",
		goal:      1.5,
		direction: atMost,
		measure:   measureOneMore,
	}
}

// added is what it costs to add one client.
type added struct {
	Clients int `json:"clients"`
	// Writes are what the API server did for all programs because of one client, Leases aside; most of some clients caused the same.
	Writes counts `json:"writes"`
	// Refused are the requests for all of these clients that the API server answered with an error.
	Refused int `json:"refused"`
	// Milliseconds are from the creation of the client to its first token, in order.
	Milliseconds []float64 `json:"milliseconds"`
	Median       float64   `json:"median"`
}

// oneMoreDetail is what the JSON file says of the figure.
type oneMoreDetail struct {
	Few  added `json:"few"`
	Many added `json:"many"`
}

func measureOneMore(ctx context.Context, s *session) (measurement, error) {
	f, err := s.shared.measured(ctx, s)
	if err != nil {
		return measurement{}, err
	}
	d := oneMoreDetail{f.few, f.many}
	if !maps.Equal(d.Few.Writes, d.Many.Writes) {
		return measurement{}, fmt.Errorf("one more client at %d causes the API writes %s, at %d %s", d.Few.Clients, d.Few.Writes, d.Many.Clients, d.Many.Writes)
	}
	return measurement{value: d.Many.Median / d.Few.Median, words: []string{d.Few.words(), d.Many.words()}, detail: d}, nil
}

func (a added) words() string {
	return fmt.Sprintf("at %5d: %d writes (%s), %d refused; first token after %.1f ms, from %.1f to %.1f for %d clients",
		a.Clients, a.Writes.total(), a.Writes, a.Refused, a.Median, slices.Min(a.Milliseconds), slices.Max(a.Milliseconds), len(a.Milliseconds))
}

// addOneMore adds clients one by one, each of which goes again, and answers what it cost.
func (w *world) addOneMore(ctx context.Context, times additions) (added, error) {
	a := added{Clients: w.clients.number()}
	var all []counts
	for range times.counted {
		writes, refused, err := w.countOneMore(ctx)
		if err != nil {
			return a, err
		}
		all = append(all, writes)
		a.Refused += refused
	}
	var ok bool
	if a.Writes, ok = majority(all); !ok {
		return a, fmt.Errorf("with %d clients, one more causes different API writes each time: %s", a.Clients, all)
	}
	for range times.timed {
		took, err := w.timeOneMore(ctx)
		if err != nil {
			return a, err
		}
		a.Milliseconds = append(a.Milliseconds, round(float64(took.Microseconds())/1000, 1))
	}
	slices.Sort(a.Milliseconds)
	a.Median = median(a.Milliseconds)
	return a, nil
}

// majority answers what more than half of all are; false when there is no such thing.
func majority(all []counts) (counts, bool) {
	for _, one := range all {
		same := 0
		for _, other := range all {
			if maps.Equal(one, other) {
				same++
			}
		}
		if 2*same > len(all) {
			return one, true
		}
	}
	return nil, false
}

// countOneMore answers what is written for one client until nothing is written any more.
func (w *world) countOneMore(ctx context.Context) (counts, int, error) {
	before, err := w.cluster.quiet(ctx, settled)
	if err != nil {
		return nil, 0, err
	}
	c := newClient(sampleNumber-1, w.fleet.gateways)
	ctx, cancel := context.WithTimeoutCause(ctx, oneMoreLimit, errors.New("it takes too long"))
	defer cancel()
	if err := w.create(ctx, c); err != nil {
		return nil, 0, err
	}
	after, err := w.cluster.quiet(ctx, settled)
	if err != nil {
		return nil, 0, err
	}
	all := after.since(before)
	return all.writes(), all.refused(), w.remove(ctx, c)
}

// timeOneMore answers the time from the creation of a client to its first token. It is asked for when the client is Ready, and that must
// be enough.
func (w *world) timeOneMore(ctx context.Context) (time.Duration, error) {
	c := newClient(sampleNumber-1, w.fleet.gateways)
	ctx, cancel := context.WithTimeoutCause(ctx, oneMoreLimit, errors.New("it takes too long"))
	defer cancel()
	began := time.Now()
	if err := w.create(ctx, c); err != nil {
		return 0, err
	}
	secret := &corev1.Secret{}
	if err := w.cluster.client.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: c.Spec.Credentials.SecretName}, secret); err != nil {
		return 0, fmt.Errorf("reading the credentials of a client: %w", err)
	}
	if err := w.token(ctx, secret); err != nil {
		return 0, w.explain(err)
	}
	return time.Since(began), w.remove(ctx, c)
}

// token gets one.
func (w *world) token(ctx context.Context, secret *corev1.Secret) (err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.d1+tokenPath, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return fmt.Errorf("asking for a token: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(string(secret.Data[v1alpha1.KeyClientID]), string(secret.Data[v1alpha1.KeyClientSecret]))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking for a token: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Errorf("reading a token: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("a client that is Ready asked for a token and was answered %s", response.Status)
	}
	return nil
}

// remove deletes a client and waits until all that was made for it is gone. There is no garbage collector here.
func (w *world) remove(ctx context.Context, c *v1alpha1.OAuthClient) error {
	if err := w.cluster.client.Delete(ctx, c); err != nil {
		return fmt.Errorf("deleting a client: %w", err)
	}
	if err := w.clients.waitFor(ctx, client.ObjectKeyFromObject(c), true); err != nil {
		return w.explain(fmt.Errorf("waiting for the end of a client: %w", err))
	}
	secret := &corev1.Secret{}
	secret.Namespace, secret.Name = c.Namespace, c.Spec.Credentials.SecretName
	if err := w.cluster.client.Delete(ctx, secret); err != nil {
		return fmt.Errorf("deleting the credentials of a client: %w", err)
	}
	_, err := w.cluster.quiet(ctx, settled/4)
	return err
}
