/** A variable X402 as operators write it. */
export const CONFIG = {
  facilitator: 'https://facilitator.test/x402/',
  pay_to: '0x2222222222222222222222222222222222222222',
  assets: [
    {
      network: 'eip155:84532',
      address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
      name: 'USDC',
      version: '2',
      atomic_per_unit: '1000000',
    },
  ],
};
