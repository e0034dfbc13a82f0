package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLS is whether and how a connection is encrypted.
type TLS struct {
	On   bool
	CA   string // file of certificates to trust; empty: the system's
	Cert string // file of the client's certificate; empty: none
	Key  string // file of its key
}

// tlsFlags declares the flags of one server: --kafka-tls and its like.
func tlsFlags(flags *settingFlags, t *TLS, of string) {
	flags.BoolVar(&t.On, of+"-tls", false, "encrypt the connection")
	flags.StringVar(&t.CA, of+"-ca", "", "file of certificates to trust (default the system's)")
	flags.StringVar(&t.Cert, of+"-cert", "", "file of the client's certificate")
	flags.StringVar(&t.Key, of+"-key", "", "file of its key")
}

func (t TLS) check(of string) error {
	if (t.Cert == "") != (t.Key == "") {
		return fmt.Errorf("--%s-cert and --%s-key go together", of, of)
	}
	if !t.On && (t.CA != "" || t.Cert != "") {
		return fmt.Errorf("--%s-ca and --%s-cert need --%s-tls", of, of, of)
	}
	return nil
}

// Config reads the files that the settings name. It returns nil when TLS is off.
func (t TLS) Config() (*tls.Config, error) {
	if !t.On {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		trusted, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(trusted) {
			return nil, fmt.Errorf("%s holds no certificate", t.CA)
		}
	}
	if t.Cert != "" {
		own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}
