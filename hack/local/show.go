package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/hack/d1sim/sim"
)

// shown is what there is to try afterwards.
type shown struct {
	gateway *v1alpha1.MerchantGateway
	client  *v1alpha1.OAuthClient
}

// show applies the samples and plays D1's calls.
func (r *Run) show(ctx context.Context, c *cluster, b *backend, ca []byte) (*shown, error) {
	gateway, err := r.applyGateway(ctx, c, b)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	trust := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	oauthClient, secret, err := r.applyClient(ctx, c, trust)
	if err != nil {
		return nil, err
	}
	r.say("\nThales D1's calls, played by the simulator:")
	config := sim.Config{
		BaseURL: "https://" + r.url(r.d1), TLS: trust,
		ClientID: string(secret.Data[v1alpha1.KeyClientID]), ClientSecret: string(secret.Data[v1alpha1.KeyClientSecret]),
		GatewayID: gateway.Spec.GatewayID, MerchantIDs: []string{gateway.Spec.Merchants.Items[0].ID},
		TokenIDs: []string{"tok_7f3c9b2e"}, Count: 2, Concurrency: 1, OnCall: r.sayCall,
	}
	if err := r.play(ctx, config); err != nil {
		return nil, err
	}
	for range config.Count {
		d, err := b.next(ctx)
		if err != nil {
			return nil, err
		}
		r.say("    delivered to the merchant, signature %s: %s %s\n      %s", d.Outcome, d.Event.Type, d.Event.ID, d.Body)
	}
	config.MerchantIDs, config.Count, config.Expect = []string{"99999999999"}, 1, http.StatusNotFound
	if err := r.play(ctx, config); err != nil {
		return nil, err
	}
	r.say("    a merchant that is not listed is refused")
	return &shown{gateway, oauthClient}, nil
}

func (r *Run) play(ctx context.Context, config sim.Config) error {
	summary, err := sim.Run(ctx, config)
	if err != nil {
		return fmt.Errorf("playing D1: %w", err)
	}
	if !summary.Clean() {
		_ = summary.Print(r.Out)
		return errors.New("the simulator found an answer that is not as documented")
	}
	return nil
}

func (r *Run) sayCall(call sim.Call) {
	r.say("  %s %s -> %s (%s)", call.Method, call.Path, call.Result(), call.Latency.Round(10*time.Microsecond))
}

// applyGateway applies the sample gateway, its deliveries sent to the local backend, and waits until it is Ready.
func (r *Run) applyGateway(ctx context.Context, c *cluster, b *backend) (*v1alpha1.MerchantGateway, error) {
	gateway := &v1alpha1.MerchantGateway{}
	if err := readManifest(filepath.Join(r.Samples, "gateway.yaml"), gateway); err != nil {
		return nil, err
	}
	gateway.Spec.Delivery.URL = v1alpha1.HTTPURL(b.url())
	if err := r.applyManifest(ctx, c, "gateway.yaml", gateway); err != nil {
		return nil, err
	}
	if err := waitCondition(ctx, c, gateway, func() bool { return meta.IsStatusConditionTrue(gateway.Status.Conditions, v1alpha1.ConditionReady) }); err != nil {
		return nil, err
	}
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: gateway.Namespace, Name: gateway.Status.SigningSecretName}
	if err := c.client.Get(ctx, key, secret); err != nil {
		return nil, fmt.Errorf("reading the delivery signing secret: %w", err)
	}
	return gateway, b.serve(string(secret.Data[v1alpha1.KeySigningSecret]))
}

// applyClient applies the sample client and measures the time until a token is issued to it.
func (r *Run) applyClient(ctx context.Context, c *cluster, trust *tls.Config) (*v1alpha1.OAuthClient, *corev1.Secret, error) {
	oauthClient, secret := &v1alpha1.OAuthClient{}, &corev1.Secret{}
	if err := readManifest(filepath.Join(r.Samples, "oauthclient.yaml"), oauthClient); err != nil {
		return nil, nil, err
	}
	began := time.Now()
	if err := r.applyManifest(ctx, c, "oauthclient.yaml", oauthClient); err != nil {
		return nil, nil, err
	}
	applied := time.Now()
	key := client.ObjectKey{Namespace: oauthClient.Namespace, Name: oauthClient.Spec.Credentials.SecretName}
	d1 := &http.Client{Transport: &http.Transport{TLSClientConfig: trust.Clone(), ForceAttemptHTTP2: true}, Timeout: 10 * time.Second}
	defer d1.CloseIdleConnections()
	ctxWait, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := poll(ctxWait, func() (bool, error) {
		if err := c.client.Get(ctxWait, key, secret); err != nil {
			return false, client.IgnoreNotFound(err)
		}
		return r.getsToken(ctxWait, d1, secret)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("waiting for a first token: %w", err)
	}
	r.say("From kubectl apply of the OAuthClient to a working token: %s (%s of it kubectl's own)",
		time.Since(began).Round(time.Millisecond), applied.Sub(began).Round(time.Millisecond))
	return oauthClient, secret, c.client.Get(ctx, client.ObjectKeyFromObject(oauthClient), oauthClient)
}

func (r *Run) getsToken(ctx context.Context, d1 *http.Client, secret *corev1.Secret) (bool, error) {
	form := strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+r.url(r.d1)+"/oauth2/token", form)
	if err != nil {
		return false, fmt.Errorf("asking for a token: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(string(secret.Data[v1alpha1.KeyClientID]), string(secret.Data[v1alpha1.KeyClientSecret]))
	response, err := d1.Do(request)
	if err != nil {
		return false, fmt.Errorf("asking for a token: %w", err)
	}
	return response.StatusCode == http.StatusOK, response.Body.Close()
}

func (r *Run) applyManifest(ctx context.Context, c *cluster, name string, o client.Object) error {
	text, err := yaml.Marshal(o)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", name, err)
	}
	if err := os.WriteFile(r.path(name), text, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	r.say("kubectl apply -f %s", filepath.Join(r.Samples, name))
	return c.apply(ctx, r.path(name), o)
}

func readManifest(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading a sample: %w", err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// waitCondition reads o until it is as wanted.
func waitCondition(ctx context.Context, c *cluster, o client.Object, done func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("%s did not become Ready", o.GetName()))
	defer cancel()
	return poll(ctx, func() (bool, error) {
		if err := c.client.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
			return false, fmt.Errorf("reading %s: %w", o.GetName(), err)
		}
		return done(), nil
	})
}
