import { expect } from 'chai';
import { DRAW_COUNT, DRAW_SIZE, DRAWS, mean, quantile } from '../../../../src/core/estimate/draws.ts';

const coordinate = (index: number) => DRAWS.map((draw) => draw[index] ?? Number.NaN);

describe('the fixed draws', () => {
  it('have the moments of independent standard normals, exactly', () => {
    expect(DRAWS).to.have.length(DRAW_COUNT);
    for (let one = 0; one < DRAW_SIZE; one++) {
      expect(mean(coordinate(one))).to.be.closeTo(0, 1e-12);
      for (let other = 0; other < DRAW_SIZE; other++) {
        const product = mean(DRAWS.map((draw) => (draw[one] ?? 0) * (draw[other] ?? 0)));
        expect(product, `${one}, ${other}`).to.be.closeTo(one === other ? 1 : 0, 1e-9);
      }
    }
  });

  it('have about the quantiles of a normal in every coordinate', () => {
    for (let index = 0; index < DRAW_SIZE; index++) {
      expect(quantile(coordinate(index), 0.95), `${index}`).to.be.closeTo(1.645, 0.25);
      expect(quantile(coordinate(index), 0.75), `${index}`).to.be.closeTo(0.674, 0.2);
    }
  });

  it('come in opposite pairs', () => {
    for (let pair = 0; pair < DRAW_COUNT; pair += 2) {
      expect(DRAWS[pair + 1]?.map((value) => -value)).to.deep.equal(DRAWS[pair]);
    }
  });
});
